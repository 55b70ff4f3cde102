"""Time kernels, training steps and the loader on this machine; compile kernels for another; run studies of learning.

python -m tanuki_jax.bench attention --plot attention.png
python -m tanuki_jax.bench step --config=8b_long --layers 2 4 --rows 1 2
python -m tanuki_jax.bench step --config=8x8b --layers=4
python -m tanuki_jax.bench step --config=8b_sft_lora --layers=32 --policies own dots
python -m tanuki_jax.bench all --json benchmarks/h200.json
python -m tanuki_jax.bench compile --target h200
"""

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tanuki_jax.base.command import enter
from tanuki_jax.base.errors import InputError
from tanuki_jax.config.command_line import parse, parse_options
from tanuki_jax.planning.bench.bench_options import AllOptions, HardwareOptions, Options, StepOptions, TableOptions
from tanuki_jax.planning.bench.sizes import SIZES
from tanuki_jax.planning.compiled.compile_options import CompileOptions
from tanuki_jax.planning.studies.study_options import ExercisesOptions, TuningOptions, UpcyclingOptions

# Each function imports what it runs only after its options are parsed: importing jax takes seconds.


def time_benchmark(benchmark: str, words: list[str]) -> None:
    options = parse_options(f"bench {benchmark}", words, Options)
    from tanuki_jax.planning.bench import run_local

    run_local.show(run_local.measure(benchmark, SIZES[options.sizes]), options.json, options.plot)


def time_steps(words: list[str]) -> None:
    experiment, options = parse("bench step", words, StepOptions)
    layers, rows = options.layers, options.rows
    if len(layers) not in (1, 2) or list(layers) != sorted(set(layers)):
        raise InputError(f"--layers takes one depth, or two in increasing order, not {' '.join(map(str, layers))}")
    from tanuki_jax.planning.bench import run_local

    results = run_local.measure_steps(experiment, layers, rows, options.document, options.policies)
    run_local.show(results, options.json, options.plot)


def time_all(words: list[str]) -> None:
    options = parse_options("bench all", words, AllOptions)
    from tanuki_jax.planning.bench import run_all, run_local

    results, complete = run_all.run(Path(options.json), options.sizes, options.budget_seconds)
    run_local.show(results)
    state = "complete" if complete else "incomplete; run the same command again to measure the rest"
    print(f"{options.json}: {len(results)} results, {state}")


def print_table(words: list[str]) -> None:
    options = parse_options("bench table", words, TableOptions)
    from tanuki_jax.planning.bench import bench_report, targets

    print(targets.markdown(*bench_report.read(Path(options.report))), end="")


def write_hardware(words: list[str]) -> None:
    options = parse_options("bench hardware", words, HardwareOptions)
    if not options.out.endswith(".toml"):
        raise InputError(f"--out must end in .toml, not {options.out!r}")
    from tanuki_jax.planning.bench import measured_hardware

    measured = measured_hardware.keep(Path(options.report), options.hardware, Path(options.out))
    for name, (share, source) in measured.items():
        print(f"{name:<16}{share:.1%}  {source}")


def compile_kernels(words: list[str]) -> None:
    options = parse_options("bench compile", words, CompileOptions)
    import jax

    from tanuki_jax.planning.compiled import compile_report

    jax.config.update("jax_platforms", "cpu")  # this machine's own accelerator, which may be busy, is not touched
    jax.config.update("jax_enable_compilation_cache", False)  # the assembler prints nothing for cached programs
    sys.exit(compile_report.run(options.target, Path(options.json) if options.json else None))


def study_tuning(words: list[str]) -> None:
    options = parse_options("bench tuning", words, TuningOptions)
    from tanuki_jax.planning.studies import tuning_study

    study = tuning_study.TuningStudy(Path(options.work), options.seeds, options.prompts)
    runs = study.run()
    tuning_study.write(Path(options.json), runs, options.prompts, study.commands)
    print(tuning_study.markdown(runs), end="")


def study_exercises(words: list[str]) -> None:
    options = parse_options("bench exercises", words, ExercisesOptions)
    from tanuki_jax.planning.studies import exercises_study

    study = exercises_study.ExercisesStudy(Path(options.work), options.counts, options.steps, options.items)
    results = study.run()
    exercises_study.write(Path(options.json), results, study.commands)
    if options.plot:
        exercises_study.plot(Path(options.plot), results)
    print(exercises_study.markdown(results), end="")


def study_upcycling(words: list[str]) -> None:
    options = parse_options("bench upcycling", words, UpcyclingOptions)
    from tanuki_jax.planning.studies import upcycling_study

    study = upcycling_study.UpcyclingStudy(Path(options.work), options.seeds, *options.steps)
    runs = study.run()
    upcycling_study.write(Path(options.json), runs, study.commands)
    if options.plot:
        upcycling_study.plot(Path(options.plot), runs)
    print(upcycling_study.markdown(runs), end="")


BENCHMARKS: dict[str, tuple[Callable[[list[str]], None], Any]] = {
    **{
        name: (functools.partial(time_benchmark, name), Options)
        for name in ("attention", "cross-entropy", "grouped-matmul", "loader")
    },
    "step": (time_steps, StepOptions),
    "all": (time_all, AllOptions),
    "table": (print_table, TableOptions),
    "hardware": (write_hardware, HardwareOptions),
    "compile": (compile_kernels, CompileOptions),
    "tuning": (study_tuning, TuningOptions),
    "exercises": (study_exercises, ExercisesOptions),
    "upcycling": (study_upcycling, UpcyclingOptions),
}


def main(words: list[str]) -> None:
    """Run the benchmark that the first word names, or print the list of benchmarks."""
    if not words or words[0] in ("-h", "--help"):
        print(f"usage: python -m tanuki_jax.bench {{{','.join(BENCHMARKS)}}} ...\n")
        for name, (_, options) in BENCHMARKS.items():
            print(f"  {name:<16}{options.__doc__}")
        print("\nEach has --help.")
        return
    if words[0] not in BENCHMARKS:
        raise InputError(f"there is no benchmark {words[0]!r}; choose one of {', '.join(BENCHMARKS)}")
    run, _ = BENCHMARKS[words[0]]
    run(words[1:])


if __name__ == "__main__":
    enter("bench", main)
