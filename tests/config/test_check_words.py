"""Words that pass the check are readable for tyro, and others are answered with an error of ours."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import pytest
import tyro
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.check_words import check_action, check_words, last_value
from tanuki_jax.config.command_line import parse_options
from tanuki_jax.config.options import options_of


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Show every kind of option that a command has."""

    folder: tyro.conf.Positional[Path]
    out: tyro.conf.Positional[str] = "out"
    steps: int = 1
    rate: float = 0.5
    order: Literal["up", "down"] = "up"
    zero: Literal[1, 3] = 1
    quick: bool = False
    plain: tyro.conf.FlagCreatePairsOff[bool] = False
    layers: tuple[int, ...] = (2, 4)
    pair: tuple[int, int] = (1, 2)
    prompt: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    texts: tuple[str, ...] = ()
    source: Annotated[str, tyro.conf.arg(name="from")] = ""
    needed: str


OPTIONS = list(options_of(Options))
WORDS = ["a", "b.txt", "3", "-4", "0.5", "1e3", "up", "yes", "", "-inf"]
NAMES = ["--steps", "--rate", "--order", "--zero", "--quick", "--no-quick", "--plain", "--layers", "--pair", "--texts"]
NAMES += ["--from", "--prompt", "--needed", "--no-plain", "--source", "-x"]
ATTACHED = [f"{name}={word}" for name in NAMES for word in [*WORDS, "--quick"]]


ANY = st.lists(st.sampled_from(WORDS) | st.sampled_from(NAMES) | st.sampled_from(ATTACHED), max_size=6)


@given(before=ANY, after=ANY)
def test_tyro_reads_what_the_check_accepts(before: list[str], after: list[str]) -> None:
    try:
        parse_options("show", [*before, "--needed=x", *after], Options)
    except InputError as error:
        assert "\n" not in str(error)


def message(*words: str) -> str:
    with pytest.raises(InputError) as raised:
        check_words(words, OPTIONS, {})
    return str(raised.value)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "FOLDER, --needed must be given"),
        (["a"], "--needed must be given"),
        (["a", "b", "c", "--needed=x"], "'c' belongs to no option; options are written --name value or --name=value"),
        (["a", "--needed=x", "--quick=yes"], "--quick takes no value, not 'yes'; its opposite is --no-quick"),
        (["a", "--needed=x", "--no-quick=yes"], "--no-quick takes no value, not 'yes'; its opposite is --quick"),
        (["a", "--needed=x", "--plain=yes"], "--plain takes no value, not 'yes'"),
        (["a", "--needed=x", "--no-plain"], "there is no option --no-plain; the nearest is --plain"),
        (["a", "--needed=x", "--layers", "1", "two"], "--layers takes whole numbers, not 'two'"),
        (["a", "--needed=x", "--pair", "1"], "--pair takes 2 whole numbers, and is given 1"),
        (["a", "--needed=x", "--zero=2"], "--zero takes one of 1, 3, not '2'"),
        (["a", "--needed", "--quick"], "--needed takes a value, and is given none"),
    ],
)
def test_the_first_mistake_is_named(words: list[str], expected: str) -> None:
    assert message(*words) == expected


def test_options_are_read_as_tyro_reads_them() -> None:
    words = ["--quick", "a", "--layers", "1", "2", "--needed", "x", "--prompt=p", "--prompt", "q", "--from=--z"]
    read = parse_options("show", words, Options)
    assert read == Options(folder=Path("a"), quick=True, layers=(1, 2), needed="x", prompt=("p", "q"), source="--z")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ManyFiles:
    """Show a positional option that takes any number of words."""

    files: tyro.conf.Positional[tuple[str, ...]]
    steps: int = 1


VALUES = st.lists(st.sampled_from(WORDS[:-1]), max_size=3)  # -inf reads as an option


@given(before=VALUES, after=VALUES, named=st.booleans())
def test_a_positional_option_takes_many_words(before: list[str], after: list[str], named: bool) -> None:
    words = [*before, *(["--steps=3"] if named else []), *after]
    if not before + after:
        with pytest.raises(InputError, match=r"^FILES must be given$"):
            parse_options("show", words, ManyFiles)
        return
    assert parse_options("show", words, ManyFiles) == ManyFiles(files=(*before, *after), steps=3 if named else 1)


def test_the_last_value_counts() -> None:
    assert last_value("--config", ["--config=a", "3", "--config", "b", "--steps"]) == "b"
    assert last_value("--config", ["--config"]) == last_value("--config", []) == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["repot", "runs/a"], "'repot' is none of report, --weak; the nearest is report"),
        (["weak", "runs/a"], "'weak' is none of report, --weak; the nearest is --weak"),
        (["runs/a"], "'runs/a' is none of report, --weak; options are written --name value or --name=value"),
    ],
)
def test_a_mistyped_action_is_answered_with_the_nearest(words: list[str], message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}$"):
        check_action(words, ("report", "--weak"))


@pytest.mark.parametrize("words", [[], ["report", "x"], ["--config=a", "x"], ["-h"]])
def test_an_action_and_an_option_are_no_error(words: list[str]) -> None:
    check_action(words, ("report",))
