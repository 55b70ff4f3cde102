"""A door's words become an `Experiment` and the door's own options; what cannot be understood becomes one sentence."""

import contextlib
import dataclasses
import difflib
import io
import re
import sys
import types
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import tyro

from tanuki_jax.base.errors import InputError
from tanuki_jax.config import registry
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.limits import check_limits
from tanuki_jax.config.serialize import to_json
from tanuki_jax.config.validate import validate

_KINDS = {int: "a whole number", float: "a number", str: "a value"}


def parse[Options](door: str, words: list[str], options: type[Options]) -> tuple[Experiment, Options]:
    """The experiment that `--config` names, with the fields that other words override, and the door's own options.

    `--help` and `--print-config` print and exit with code 0.

    Args:
        door: name of the command, as in `python -m tanuki_jax.NAME`.
        words: what follows it, as in `--config=8b --steps 10 --layout.fsdp=4`.
        options: dataclass of the door's own options, none of them named like a field of `Experiment`; its docstring opens `--help`.

    Raises:
        InputError: on an unknown config or option, a value of the wrong type, or an experiment that does not hold together.
    """
    known = {"--config": str, "--print-config": bool} | _options_of(options)
    which, _ = _run(door, _Which, words, known | _options_of(Experiment), add_help=False)
    names = registry.experiment.names()
    wants_help = not {"-h", "--help"}.isdisjoint(words)
    # Without --config any config serves to find the other mistakes first.
    default = registry.experiment.find(which.config or names[0]) if which.config or not wants_help else None
    known |= _options_of(Experiment, default)
    line, unknown = _run(door, _command_line(options, default), words, known, description=_description(options, names))
    _refuse(unknown, words, known)
    if not which.config:
        raise InputError(f"{door} needs --config=NAME, one of {', '.join(names)}, or --config=file.py:name")
    check_limits(line.options, _spell)
    experiment: Experiment = line.experiment
    validate(experiment)
    if line.print_config:
        print(to_json(experiment), end="")
        sys.exit(0)
    return experiment, line.options


def parse_options[Options](door: str, words: list[str], options: type[Options]) -> Options:
    """The options of a door that takes no experiment, with `--help` and errors as in `parse`.

    Fields of type `tyro.conf.Positional[...]` are given without their name.
    """
    known = _options_of(options)
    parsed, unknown = _run(door, options, words, known, description=options.__doc__)
    _refuse(unknown, words, known)
    check_limits(parsed, _spell)
    result: Options = parsed
    return result


@dataclasses.dataclass(frozen=True)
class _Which:
    config: str = ""


def _command_line(options: type, experiment: Experiment | None) -> type:
    """The dataclass behind `parse`: the fields of `options` and `Experiment` stand at its root, without a prefix."""
    default = dataclasses.field() if experiment is None else dataclasses.field(default=experiment)
    config_help = tyro.conf.arg(
        help="Name of a registered experiment, or file.py:name.", help_behavior_hint="(required)"
    )
    print_help = tyro.conf.arg(help="Print the resolved experiment as JSON and leave.")
    fields: list[Any] = [
        ("config", Annotated[str, config_help], dataclasses.field(default="")),
        ("print_config", Annotated[bool, print_help, tyro.conf.FlagCreatePairsOff], dataclasses.field(default=False)),
        ("options", Annotated[options, tyro.conf.arg(name="")]),
        ("experiment", Annotated[Experiment, tyro.conf.arg(name="")], default),
    ]
    return dataclasses.make_dataclass("CommandLine", fields, frozen=True, kw_only=True)


def _description(options: type, names: list[str]) -> str:
    return (
        f"{options.__doc__}\n\nConfigs: {', '.join(names)}.\n"
        "With --config the defaults below are that config's; a required field is one that every config states."
    )


def _run(
    door: str,
    form: type,
    words: list[str],
    known: dict[str, Any],
    *,
    add_help: bool = True,
    description: str | None = None,
) -> tuple[Any, list[str]]:
    """What tyro makes of the words, and the words that it does not know."""
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors):
            return tyro.cli(
                form,
                prog=f"python -m tanuki_jax.{door}",
                description=description,
                args=words,
                add_help=add_help,
                return_unknown_args=True,
                config=(tyro.conf.PositionalMetavarFromFieldName, tyro.conf.AvoidSubcommands),
            )
    except SystemExit as left:
        if not left.code:
            raise
        raise InputError(_sentence(errors.getvalue(), words, known)) from None


def _sentence(box: str, words: list[str], known: dict[str, Any]) -> str:
    """One sentence for the box that tyro draws around an error: a title, paragraphs between rules, and a frame."""
    title, _, body = box.partition("\n")
    lines = [line.strip("│")[1:].rstrip() for line in body.splitlines() if line.startswith("│")]
    paragraph = lines[: next((index for index, line in enumerate(lines) if line.startswith("──")), len(lines))]
    if "Required" in title:
        return f"{', '.join(line.strip() for line in paragraph if re.match(r' {4}\S', line))} must be given"
    text = " ".join(paragraph)
    for option in re.findall(r"--[\w.-]*\w", text):
        if option in known:
            value = _value_of(option, words)
            return (
                f"{option} takes {_kind(known[option])}, {'and is given none' if value is None else f'not {value!r}'}"
            )
    return text or "the options cannot be understood"


def _refuse(unknown: list[str], words: list[str], known: dict[str, Any]) -> None:
    """InputError for the first of the words that tyro does not know."""
    if not unknown:
        return
    word = unknown[0]
    if word.startswith("-"):
        nearest = difflib.get_close_matches(_option(word), known, n=1, cutoff=0.0)
        raise InputError(f"there is no option {_option(word)}" + (f"; the nearest is {nearest[0]}" if nearest else ""))
    for option, kind in known.items():
        if kind is bool and _value_of(option, words) == word:
            raise InputError(f"{option} takes no value, not {word!r}; its opposite is {_opposite(option)}")
    raise InputError(f"{word!r} belongs to no option; options are written --name value or --name=value")


def _options_of(form: Any, value: Any = None, prefix: str = "--") -> dict[str, Any]:
    """Option -> type of its value, for every field of a dataclass and of the dataclasses inside it.

    Where a field may hold one of several dataclasses, they are those of the one that `value` holds, or of the first.
    """
    options: dict[str, Any] = {}
    for name, kind in get_type_hints(form, include_extras=True).items():
        notes = getattr(kind, "__metadata__", ())
        option = prefix + next((note.name for note in notes if getattr(note, "name", None)), name).replace("_", "-")
        kind = kind.__origin__ if notes else kind
        inner = getattr(value, name, None)
        if get_origin(kind) is types.UnionType:
            kind = get_args(kind)[0] if inner is None else type(inner)
        options |= _options_of(kind, inner, f"{option}.") if dataclasses.is_dataclass(kind) else {option: kind}
    return options


def _spell(field: str) -> str:
    """Return the option of a field."""
    return f"--{field.replace('_', '-')}"


def _option(word: str) -> str:
    return word.partition("=")[0].replace("_", "-")


def _opposite(flag: str) -> str:
    start, dot, name = flag.rpartition(".")
    return f"{start}.no-{name}" if dot else f"--no-{flag[2:]}"


def _value_of(option: str, words: list[str]) -> str | None:
    """The last value that the words give an option; None if they give it none."""
    for index in reversed(range(len(words))):
        if _option(words[index]) == option:
            if "=" in words[index]:
                return words[index].partition("=")[2]
            following = words[index + 1 : index + 2]
            return following[0] if following and not following[0].startswith("--") else None
    return None


def _kind(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    if get_origin(kind) is tuple:
        return f"some of {', '.join(map(str, get_args(get_args(kind)[0])))}"
    return _KINDS.get(kind, f"a {getattr(kind, '__name__', kind)}")
