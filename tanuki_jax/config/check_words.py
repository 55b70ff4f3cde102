"""Checks of a command line against the options of its command, before tyro reads it.

tyro answers a wrong word with a box drawn for a terminal; these errors are one line that names the option, the word and
what to write instead.
"""

import dataclasses
import difflib
import re
from collections.abc import Mapping, Sequence

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.options import Option
from tanuki_jax.config.usual_names import usual_name

_OPTION = re.compile(r"--?[A-Za-z]")
"""Beginning of an option; a negative number is a value."""


def check_words(words: Sequence[str], options: Sequence[Option], renamed: Mapping[str, str]) -> list[Option]:
    """Return the options that are given by name, each once.

    Args:
        words: the command line after the command.
        options: all options of the command.
        renamed: former name -> new name of options.

    Raises:
        InputError: on an unknown option, a value of the wrong type, a word that belongs to no option, and a required
            option that is not given.
    """
    known = {option.name: option for option in options if not option.positional}
    known |= {option.opposite: option for option in options if option.opposite}
    positional = [option for option in options if option.positional]
    given: dict[str, Option] = {}
    # Words that no option takes are the values of positional options. Where they do not suffice, tyro also gives them
    # the words that the last option takes but does not need: `--names a b OUT`.
    free: list[str] = []
    optional = 0
    for use in _uses(words):
        if not use.name:
            free += use.words
            continue
        if use.name not in known:
            raise InputError(_unknown(use.name, known, renamed))
        option = known[use.name]
        taken = _values(use, option, positional=bool(positional))
        given[option.name] = option
        free += use.words[taken:]
        optional = taken - option.values[0]
    if len(free) > sum(option.values[1] for option in positional):
        word = free[len(positional)]
        raise InputError(f"{word!r} belongs to no option; options are written --name value or --name=value")
    missing = [option.name for option in positional[len(free) + optional :] if option.required]
    missing += [
        option.name for option in options if not option.positional and option.required and option.name not in given
    ]
    if missing:
        raise InputError(f"{', '.join(missing)} must be given")
    return list(given.values())


def check_action(words: Sequence[str], actions: Sequence[str]) -> None:
    """Raise InputError if the first word is no option and none of the actions with which a command may begin.

    Args:
        words: the command line after the command, which takes options and no word without one.
        actions: words such as "report", after which other options follow.
    """
    if words and not _OPTION.match(words[0]) and words[0] not in actions:
        nearest = difflib.get_close_matches(words[0], actions, n=1)
        advice = f"the nearest is {nearest[0]}" if nearest else "options are written --name value or --name=value"
        raise InputError(f"{words[0]!r} is none of {', '.join(actions)}; {advice}")


def together(words: Sequence[str], options: Sequence[Option]) -> list[str]:
    """Return checked words for tyro, which reads a positional option of many words only where they are adjacent: then
    the words that no other option takes come first."""
    if not any(option.positional and option.values[1] > 1 for option in options):
        return [*words]
    known = {name: option for option in options for name in (option.name, option.opposite) if not option.positional}
    free: list[str] = []
    named: list[str] = []
    for use in _uses(words):
        taken = _values(use, known[use.name], positional=True) if use.name else 0
        values = use.words[:taken]
        named += [f"{use.name}={values.pop(0)}"] if use.attached and values else [use.name] if use.name else []
        named += values
        free += use.words[taken:]
    return free + named


def last_value(name: str, words: Sequence[str]) -> str:
    """Return the last value that the words give an option; empty: they do not name it."""
    return next((use.words[0] for use in reversed(_uses(words)) if use.name == name and use.words), "")


@dataclasses.dataclass
class _Use:
    """An option on the command line with the words up to the next one."""

    name: str
    """Option with hyphens; empty: the words before the first option."""
    words: list[str]
    attached: bool
    """Whether the first word follows an equals sign."""


def _uses(words: Sequence[str]) -> list[_Use]:
    """Return the options of a command line, with their words, in order."""
    uses = [_Use("", [], attached=False)]
    for word in words:
        if _OPTION.match(word):
            name, equals, value = word.partition("=")
            uses.append(_Use(name.replace("_", "-"), [value] if equals else [], attached=bool(equals)))
        else:
            uses[-1].words.append(word)
    return uses


def _values(use: _Use, option: Option, *, positional: bool) -> int:
    """Return how many words of a use are values of the option. InputError if one is missing or of another type.

    Without positional options, a word after a flag can only be meant as its value, which is an error too.
    """
    least, most = option.values
    values = use.words[:most]
    if option.kind is bool and use.words and (use.attached or not positional):
        opposite = option.name if use.name == option.opposite else option.opposite
        raise InputError(
            f"{use.name} takes no value, not {use.words[0]!r}" + (f"; its opposite is {opposite}" if opposite else "")
        )
    if len(values) < least:
        raise InputError(f"{use.name} takes {option.describe()}, and is given {len(values) or 'none'}")
    if wrong := [value for value in values if not option.accepts(value)]:
        raise InputError(f"{use.name} takes {option.describe()}, not {wrong[0]!r}")
    return len(values)


def _unknown(name: str, known: Mapping[str, Option], renamed: Mapping[str, str]) -> str:
    """Return the error for an unknown option, with its new name, its name in this project, or the nearest name."""
    if name in renamed:
        return f"{name} is called {renamed[name]} now"
    if parts := [option for option in known if option.startswith(f"{name}.")]:
        return (
            f"{name} is a part of the config, with the options {', '.join(parts)}; which {name.removeprefix('--')} it "
            "is, the config's file says"
        )
    advice = usual_name(name, known)
    if not advice and (nearest := difflib.get_close_matches(name, known, n=1, cutoff=0.0)):
        advice = f"the nearest is {nearest[0]}"
    return f"there is no option {name}" + (f"; {advice}" if advice else "")
