"""Times kernels, loader and whole training steps on this machine, beside their peers.

python -m tanuki_jax.bench attention --plot attention.png
python -m tanuki_jax.bench step --config=8b_long --layers 2 4 --rows 1 2
python -m tanuki_jax.bench step --config=8x8b --layers=4
python -m tanuki_jax.bench step --config=8b_sft_lora --layers=32 --policies own dots
python -m tanuki_jax.bench all --json benchmarks/h200.json
python -m tanuki_jax.bench compile --target h200
"""

import functools
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tanuki_jax.base.command import enter
from tanuki_jax.base.errors import InputError
from tanuki_jax.config.command_line import parse, parse_options
from tanuki_jax.planning.bench.bench_options import (
    AllOptions,
    CompileOptions,
    HardwareOptions,
    Options,
    StepOptions,
    TableOptions,
    TuningOptions,
    UpcyclingOptions,
)
from tanuki_jax.planning.bench.sizes import SIZES

OF_SHAPES = ("attention", "cross-entropy", "grouped-matmul", "loader")


def of_shapes(benchmark: str, words: list[str]) -> None:
    options = parse_options(f"bench {benchmark}", words, Options)
    from tanuki_jax.planning.bench import (
        run_local as here,
    )  # after the words are understood: importing jax takes seconds

    here.show(here.measure(benchmark, SIZES[options.sizes]), options.json, options.plot)


def step(words: list[str]) -> None:
    experiment, options = parse("bench step", words, StepOptions)
    layers, rows = options.layers, options.rows
    if not 1 <= len(layers) <= 2 or layers[0] >= (*layers, math.inf)[1] or min(*layers, *rows, options.document) < 1:
        raise InputError(
            "--layers takes one depth, or two, the smaller one first; depths, rows and documents are at least 1"
        )
    from tanuki_jax.planning.bench import run_local as here

    here.show(
        here.measure_steps(experiment, layers, rows, options.document, options.policies), options.json, options.plot
    )


def everything(words: list[str]) -> None:
    options = parse_options("bench all", words, AllOptions)
    from tanuki_jax.planning.bench import run_local as here
    from tanuki_jax.planning.bench.run_all import run

    results, finished = run(Path(options.json), options.sizes, options.budget_seconds)
    here.show(results)
    print(
        f"{options.json}: {len(results)} results, {'all there are' if finished else 'more to come; the same command goes on'}"
    )


def table(words: list[str]) -> None:
    options = parse_options("bench table", words, TableOptions)
    from tanuki_jax.planning.bench.bench_report import read
    from tanuki_jax.planning.bench.targets import markdown

    results, about = read(Path(options.report))
    print(markdown(results, about), end="")


def hardware(words: list[str]) -> None:
    options = parse_options("bench hardware", words, HardwareOptions)
    if not options.out.endswith(".toml"):
        raise InputError(f"--out must end in .toml, not {options.out!r}")
    from tanuki_jax.planning.bench.measured_hardware import keep

    for name, (share, source) in keep(Path(options.report), options.hardware, Path(options.out)).items():
        print(f"{name:<16}{share:.1%}  {source}")


def upcycling(words: list[str]) -> None:
    options = parse_options("bench upcycling", words, UpcyclingOptions)
    if min(options.seeds, *options.steps) < 1:
        raise InputError("--seeds and --steps are at least 1")
    from tanuki_jax.planning.studies import upcycling_study as upcycling

    bench = upcycling.Bench(Path(options.work), options.seeds, *options.steps)
    runs = bench.run()
    upcycling.write(Path(options.json), runs, bench.commands)
    if options.plot:
        upcycling.plot(Path(options.plot), runs)
    print(upcycling.markdown(runs), end="")


def tuning(words: list[str]) -> None:
    options = parse_options("bench tuning", words, TuningOptions)
    if min(options.seeds, options.asked) < 1:
        raise InputError("--seeds and --asked are at least 1")
    from tanuki_jax.planning.studies import tuning_study as tuning

    bench = tuning.Bench(Path(options.work), options.seeds, options.asked)
    runs = bench.run()
    tuning.write(Path(options.json), runs, options.asked, bench.commands)
    print(tuning.markdown(runs), end="")


def compile_ahead(words: list[str]) -> None:
    options = parse_options("bench compile", words, CompileOptions)
    import jax

    from tanuki_jax.planning.compiled.compile_report import run

    jax.config.update("jax_platforms", "cpu")  # so that a machine's own accelerator, which may be busy, is left alone
    jax.config.update("jax_enable_compilation_cache", False)  # of what is read back the assembler says nothing
    sys.exit(run(options.target, Path(options.json) if options.json else None))


COMMANDS: dict[str, tuple[Callable[[list[str]], None], Any]] = {
    **{name: (functools.partial(of_shapes, name), Options) for name in OF_SHAPES},
    "step": (step, StepOptions),
    "all": (everything, AllOptions),
    "table": (table, TableOptions),
    "hardware": (hardware, HardwareOptions),
    "upcycling": (upcycling, UpcyclingOptions),
    "tuning": (tuning, TuningOptions),
    "compile": (compile_ahead, CompileOptions),
}


def main(words: list[str]) -> None:
    if not words or words[0] in ("-h", "--help"):
        print(f"usage: python -m tanuki_jax.bench {{{','.join(COMMANDS)}}} ...\n")
        for name, (_, options) in COMMANDS.items():
            print(f"  {name:<16}{options.__doc__}")
        print("\nEach answers --help.")
        return
    if words[0] not in COMMANDS:
        raise InputError(f"{words[0]!r} is none of {', '.join(COMMANDS)}")
    COMMANDS[words[0]][0](words[1:])


if __name__ == "__main__":
    enter("bench", main)
