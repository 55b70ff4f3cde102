"""A command line becomes an experiment, or an error that says what to write instead."""

import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
import tyro

from tanuki_jax.__main__ import commands
from tanuki_jax.base.errors import InputError
from tanuki_jax.config import command_line, registry
from tanuki_jax.config.command_line import parse, parse_options
from tanuki_jax.config.common_options import COMMON_OPTIONS
from tanuki_jax.config.experiment import Experiment, Preference
from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.config.options import options_of, spell
from tanuki_jax.config.serialize import from_json
from tanuki_jax.corpus.synthesis.synthesis_settings import Synthesis
from tanuki_jax.evaluation.evaluation_settings import Evaluation


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Count the words of a corpus."""

    workers: int = 2
    """Processes that count."""
    quick: bool = False
    """Whether a tenth is enough."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RowOptions:
    """Show a row."""

    run: tyro.conf.Positional[Path]
    """Run folder."""
    step: int
    """Step to show."""
    order: Literal["up", "down"] = "up"
    """Direction."""


def experiment(*words: str) -> Experiment:
    return parse("count", ["--config=tiny", *words], Options)[0]


def refusal(*words: str) -> str:
    """Return the error of `parse` for words that it refuses."""
    with pytest.raises(InputError) as raised:
        parse("count", list(words), Options)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def fields(kind: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield path and type of every field that holds a plain value."""
    for name, part in get_type_hints(kind).items():
        if get_origin(part) is UnionType:
            part = get_args(part)[0]
        if dataclasses.is_dataclass(part):
            yield from fields(part, (*before, name))
        else:
            yield (*before, name), part


FIELDS = dict(fields(Experiment))


def another(value: Any, kind: Any) -> Any:
    """Return a value of that type other than `value`."""
    if get_origin(kind) is Literal:
        return next(choice for choice in get_args(kind) if choice != value)
    if get_origin(kind) is tuple:
        return (*value, another(None, get_args(kind)[0]))
    return not value if kind is bool else f"{value}x" if kind is str else value + 1


def all_changed(tree: Any) -> tuple[Any, dict[tuple[str, ...], Any]]:
    """Return the tree with another value in every field, and those values by path."""
    values: dict[tuple[str, ...], Any] = {}
    for name, kind in get_type_hints(type(tree)).items():
        before = getattr(tree, name)
        if dataclasses.is_dataclass(before):
            after, inner = all_changed(before)
            values |= {(name, *path): value for path, value in inner.items()}
        else:
            after = values[(name,)] = another(before, kind)
        tree = dataclasses.replace(tree, **{name: after})
    return tree, values


def test_every_field_is_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_line, "validate", lambda _: None)
    expected, values = all_changed(registry.experiment.find("tiny"))
    assert values.keys() == FIELDS.keys()
    words = []
    for path, value in values.items():
        if isinstance(value, bool):
            words.append("--" + ".".join((*path[:-1], path[-1] if value else f"no-{path[-1]}")))
        elif isinstance(value, tuple):
            words += [f"--{'.'.join(path)}", *value]
        else:
            words.append(f"--{'.'.join(path)}={value}")
    assert experiment(*words) == expected


def test_the_options_of_an_objective_are_those_of_the_config() -> None:
    experiment_with_pairs, _ = parse(
        "count", ["--config=8b_dpo_lora", "--objective.beta=0.5", "--objective.loss", "ipo"], Options
    )
    assert experiment_with_pairs.objective == Preference(beta=0.5, loss="ipo")
    assert (
        refusal("--config=8b_dpo_lora", "--objective.z-loss=1")
        == "there is no option --objective.z-loss; the nearest is --objective.loss"
    )
    assert "there is no option --objective.beta" in refusal("--config=tiny", "--objective.beta=0.5")


def test_without_options_nothing_changes() -> None:
    assert parse("count", ["--config", "tiny"], Options) == (registry.experiment.find("tiny"), Options())


@pytest.mark.parametrize(
    "words", [["--workers", "5", "--config=tiny", "--quick"], ["--quick", "--config", "tiny", "--workers=5"]]
)
def test_options_of_the_command_are_read_beside_the_experiment(words: list[str]) -> None:
    assert parse("count", words, Options)[1] == Options(workers=5, quick=True)


@pytest.mark.parametrize(
    "words", [["--data.sequence-length", "128"], ["--data.sequence_length=128"], ["--data.sequence_length", "128"]]
)
def test_options_may_be_written_with_underscores(words: list[str]) -> None:
    assert experiment(*words).data.sequence_length == 128


@pytest.mark.parametrize("words", [["--layout.data", "-1"], ["--layout.data=-1"]])
def test_negative_numbers_are_values(words: list[str]) -> None:
    assert experiment("--layout.data=4", *words).layout.data == -1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--config=tinny"], "there is no experiment named 'tinny'; the nearest is 'tiny'"),
        (["--config"], "--config takes a value, and is given none"),
        (["--config=tiny", "--stpes", "10"], "there is no option --stpes; the nearest is --steps"),
        (["--config=tiny", "--model.with=64"], "there is no option --model.with; the nearest is --model.width"),
        (
            ["--config=tiny", "--sequence_length=64"],
            "there is no option --sequence-length; the nearest is --data.sequence-length",
        ),
        (
            ["--config=tiny", "--start", "x"],
            "--start is a part of the config, with the options --start.checkpoint, --start.load, --start.data; "
            "which start it is, the config's file says",
        ),
        (["--config=tiny", "--worker=3"], "there is no option --worker; the nearest is --workers"),
        (["--stpes", "10"], "there is no option --stpes; the nearest is --steps"),
        (["--config=tiny", "--steps", "ten"], "--steps takes a whole number, not 'ten'"),
        (["--config=tiny", "--steps=1.5"], "--steps takes a whole number, not '1.5'"),
        (["--config=tiny", "--steps", "1", "--steps", "ten"], "--steps takes a whole number, not 'ten'"),
        (["--config=tiny", "--steps"], "--steps takes a whole number, and is given none"),
        (["--config=tiny", "--steps", "--seed=3"], "--steps takes a whole number, and is given none"),
        (["--config=tiny", "--workers=many"], "--workers takes a whole number, not 'many'"),
        (
            ["--config=tiny", "--data.tokenizer.sample_bytes=1e9"],
            "--data.tokenizer.sample-bytes takes a whole number, not '1e9'",
        ),
        (["--config=tiny", "--schedule.peak", "high"], "--schedule.peak takes a number, not 'high'"),
        (
            ["--config=tiny", "--layout.remat=some"],
            "--layout.remat takes one of none, dots, attention, full, not 'some'",
        ),
        (
            ["--config=tiny", "--model.tied=yes"],
            "--model.tied takes no value, not 'yes'; its opposite is --model.no-tied",
        ),
        (["--config=tiny", "--quick", "yes"], "--quick takes no value, not 'yes'; its opposite is --no-quick"),
        (["--config=tiny", "10"], "'10' belongs to no option; options are written --name value or --name=value"),
        (["--config=tiny", "--steps", "0"], "steps is 0, and must be above 0"),
    ],
)
def test_a_mistake_is_named_in_one_line(words: list[str], expected: str) -> None:
    assert refusal(*words) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("--lr", "there is no option --lr; use --schedule.peak"),
        ("--optimizer.learning_rate=3", "there is no option --optimizer.learning-rate; use --schedule.peak"),
        ("--lora-r", "there is no option --lora-r; use --lora.rank"),
        (
            "--resume",
            "there is no option --resume; a run resumes by itself when the same command is started again; "
            "--start.checkpoint begins a new run from other weights",
        ),
        ("--rewind.most=3", "--rewind.most is called --rewind.max-rewinds now"),
        ("--lora.b_rate=3", "--lora.b-rate is called --lora.loraplus-ratio now"),
    ],
)
def test_usual_and_former_names_are_answered(word: str, expected: str) -> None:
    assert refusal("--config=tiny", word) == expected


def test_without_a_config_all_names_are_listed() -> None:
    assert (
        refusal()
        == refusal("--steps=3")
        == (f"count needs --config=file.py:name or --config=NAME, one of {', '.join(registry.experiment.names())}")
    )


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as left:
        parse("count", list(words), Options)
    assert not left.value.code
    output = capsys.readouterr()
    assert output.err == ""
    return output.out


def test_print_config_prints_the_resolved_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "--config=8b", "--steps", "10", "--layout.data=2", "--print-config")
    assert (
        from_json(text, Experiment) == parse("count", ["--config=8b", "--steps", "10", "--layout.data=2"], Options)[0]
    )
    assert json.loads(text)["steps"] == 10


@pytest.mark.parametrize("words", [[], ["--config=8b"]])
def test_full_help_documents_every_field_and_option(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Match the words between an option's name and its default."""
    text = " ".join(re.sub(r"[│╭╮╰╯─]+", " ", printed(capsys, *words, "--help-all")).split())
    assert "Count the words of a corpus." in text
    assert f"Configs: {', '.join(registry.experiment.names())}." in text
    for name in ["config", "print-config", "workers", "quick", *(".".join(path).replace("_", "-") for path in FIELDS)]:
        found = re.search(
            rf" --{re.escape(name)}(?: INT| FLOAT| STR| \{{\S+\}}|, --\S+)? (.*?) ?\((?:default|required)", text
        )
        assert found is not None and re.search(r"\w", found[1]), name


def test_help_shows_the_defaults_of_the_config(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(re.sub(r"[│─]+", " ", printed(capsys, "--config=8b", "--help-all")).split())
    assert re.search(r"--model\.hidden INT [^(]*\(default: 14336\)", text)
    assert re.search(r"--optimizer\.clip-norm FLOAT [^(]*\(default: 0\.8\)", text)


@pytest.mark.parametrize("command", ["train", "prepare", "plan", "bench step", "a command without a row"])
def test_short_help_has_the_common_options(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        parse(command, ["--config=8b", "--help"], Options)
    assert not left.value.code
    text = " ".join(re.sub(r"[│─]+", " ", capsys.readouterr().out).split())
    common = {spell(name) for name in COMMON_OPTIONS.get(command, ())}
    shown = set(re.findall(r" (--[\w.-]+)(?: INT| FLOAT| STR|, --no| \{|[ ]Show|[ ]Print)", text))
    assert shown == common | {"--config", "--print-config", "--help-all", "--workers", "--quick"}
    assert f"--help-all shows {len(FIELDS) - len(common)} more options." in text
    assert f"Configs: {', '.join(registry.experiment.names())}." in text
    assert "--data.batch-rows INT" not in text or re.search(r"--data\.batch-rows INT [^(]*\(default: 1536\)", text)


def test_common_options_are_fields_of_the_experiment() -> None:
    others = ("evaluate", "evaluate export", "synthesize")
    of_experiments = [names for command, names in COMMON_OPTIONS.items() if command not in others]
    assert {name for names in of_experiments for name in names} <= {".".join(path) for path in FIELDS}


@pytest.mark.parametrize(
    ("command", "config"), [("synthesize", Synthesis), ("evaluate", Evaluation), ("evaluate export", Evaluation)]
)
def test_common_options_are_fields_of_the_config_of_a_command(command: str, config: type) -> None:
    fields = {option.field for option in options_of(config)}
    assert fields >= set(COMMON_OPTIONS[command])


def test_limits_of_a_commands_options_are_checked() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Limited:
        """Read."""

        read_threads: PositiveInt = 1

    message = r"^--read-threads is 0, and must be above 0$"
    with pytest.raises(InputError, match=message):
        parse("read", ["--config=tiny", "--read-threads=0"], Limited)
    with pytest.raises(InputError, match=message):
        parse_options("read", ["--read-threads=0"], Limited)


def test_a_command_without_an_experiment_has_options_too() -> None:
    assert parse_options("show", ["runs/tiny", "--step", "3"], RowOptions) == RowOptions(run=Path("runs/tiny"), step=3)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "RUN, --step must be given"),
        (["runs/tiny"], "--step must be given"),
        (["runs/tiny", "--step", "x"], "--step takes a whole number, not 'x'"),
        (["runs/tiny", "--step=1", "--oder=up"], "there is no option --oder; the nearest is --order"),
        (["runs/tiny", "--step=1", "--order=left"], "--order takes one of up, down, not 'left'"),
        (
            ["runs/tiny", "--step=1", "more"],
            "'more' belongs to no option; options are written --name value or --name=value",
        ),
    ],
)
def test_mistakes_without_an_experiment_are_named_in_one_line(words: list[str], expected: str) -> None:
    with pytest.raises(InputError) as raised:
        parse_options("show", words, RowOptions)
    assert str(raised.value) == expected


PROGRAM = """
import dataclasses
from tanuki_jax.config.command_line import parse
from tanuki_jax.base.command import enter

@dataclasses.dataclass
class Options:
    "Do nothing."

enter("train", lambda words: print(parse("train", words, Options)[0].steps))
"""


@pytest.mark.parametrize(
    ("words", "code", "out", "err"),
    [
        (["--config=tiny", "--steps", "7"], 0, "7\n", ""),
        (["--config=tiny", "--steps=seven"], 2, "", "tanuki_jax.train: --steps takes a whole number, not 'seven'\n"),
        (["--config=8bb"], 2, "", "tanuki_jax.train: there is no experiment named '8bb'; the nearest is '8b'\n"),
        (
            ["--config=tiny", "--stpes=7"],
            2,
            "",
            "tanuki_jax.train: there is no option --stpes; the nearest is --steps\n",
        ),
    ],
)
def test_a_command_ends_with_a_message_and_an_exit_code(words: list[str], code: int, out: str, err: str) -> None:
    result = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (code, out, err)


HELP = """
import runpy, sys
name, *words = sys.argv[1:]
sys.argv[1:] = words
try:
    runpy.run_module("tanuki_jax." + name, run_name="__main__", alter_sys=True)
except SystemExit:
    pass
heavy = {"jax", "numpy", "flax", "matplotlib", "sentencepiece", "tokenizers"}
print(sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize("command", [*commands(), "bench step", "convert upcycle"])
def test_help_imports_no_heavy_library(command: str) -> None:
    words = [sys.executable, "-c", HELP, *command.split(), "--help"]
    result = subprocess.run(words, capture_output=True, text=True, check=True)
    # Settings of a cleaning rule, a filter or a benchmark stand in its file, beside its code.
    expected = "['numpy']\n" if command in ("clean", "evaluate", "synthesize") else "[]\n"
    assert (result.stdout[:5], result.stderr) == ("usage", expected)
