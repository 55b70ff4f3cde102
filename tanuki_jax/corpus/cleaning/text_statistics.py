"""Statistics of a text, and limits for them from texts that are known to be good."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tanuki_jax.base.atomic import replace_text as write_text
from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.character_classes import Class, count_classes
from tanuki_jax.corpus.cleaning.lines import ends_sentence, sentences

_BULLET = re.compile(r"\s*(?:[・●•○■□◆◇※*＊▪‣►▶]|[-‐–—] )")
_ELLIPSIS = re.compile(r"(?:…|\.\.\.|‥|・・・|。。。)[\s」』）)]*$")
_STOP_WORDS = frozenset(["the", "be", "to", "of", "and", "that", "have", "with"])
_SHORT_LINE = 15
_FIRST = 500
_SHARES = tuple(f"{kind.name.lower()}_share" for kind in Class)
LEAST_LINES = 5
"""Least number of lines of a text whose shares of lines (`*_lines`) say something."""
GROUPS = ("characters", "lines", "sentences", "words")
"""Groups of statistics, each computed in one pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A range of a statistic outside which a document is dropped."""

    statistic: str
    """Name of the statistic: a key of what `statistics_of` returns."""
    least: float = -np.inf
    most: float = np.inf


def statistics_of(text: str, groups: Collection[str] = GROUPS) -> dict[str, float]:
    """Return the statistics of a text by their names; a share is one of its characters unless it says otherwise.

    They are those of Gopher (Rae et al., 2021), C4 (Raffel et al., 2020), FineWeb (Penedo et al., 2024) and Swallow
    (Okazaki et al., 2024), in characters instead of words.
    """
    found: dict[str, float] = {}
    for group in groups:
        found |= _GROUPS[group](text)
    return found


def groups_of(statistics: Iterable[str]) -> tuple[str, ...]:
    """Return the groups that have these statistics, so that a rule computes no others."""
    wanted = frozenset(statistics)
    return tuple(group for group, measure in _GROUPS.items() if not wanted.isdisjoint(measure("")))


def _of_characters(text: str) -> dict[str, float]:
    counts = count_classes(text).tolist()
    characters = max(len(text) - counts[Class.SPACE], 1)
    shares = {name: count / characters for name, count in zip(_SHARES, counts, strict=True)}
    return shares | {
        "space_share": (counts[Class.SPACE] - text.count("\n")) / characters,
        "distinct_characters": len(set(text[:_FIRST])) / max(min(len(text), _FIRST), 1),
    }


def _of_lines(text: str) -> dict[str, float]:
    lines = [line for line in text.split("\n") if line and not line.isspace()]
    count = max(len(lines), 1)
    return {
        "lines": float(len(lines)),
        "mean_line": sum(map(len, lines)) / count,
        "ended_lines": sum(map(ends_sentence, lines)) / count,  # shares of the lines, here and below
        "short_lines": sum(len(line) < _SHORT_LINE for line in lines) / count,
        "bullet_lines": sum(_BULLET.match(line) is not None for line in lines) / count,
        "ellipsis_lines": sum(_ELLIPSIS.search(line[-20:]) is not None for line in lines) / count,
        "numbered_lines": sum(line.lstrip()[0].isdecimal() for line in lines) / count,
    }


def _of_sentences(text: str) -> dict[str, float]:
    pieces = [stripped for piece in sentences(text) if (stripped := piece.strip())]
    lengths = list(map(len, pieces))
    ended = sum(len(piece) for piece in pieces if ends_sentence(piece))
    return {
        "ended_share": ended / max(sum(lengths), 1),  # characters in sentences that have an end
        "mean_sentence": sum(lengths) / max(len(lengths), 1),
        "longest_sentence": float(max(lengths, default=0)),
        "long_sentences": sum(length > 200 for length in lengths) / max(len(lengths), 1),
    }


def _of_words(text: str) -> dict[str, float]:
    """Return statistics of words between spaces, for languages that write spaces."""
    words = text.split()
    count = max(len(words), 1)
    return {
        "words": float(len(words)),
        "mean_word": sum(map(len, words)) / count,
        "alphabetic_words": sum(any(map(str.isalpha, word)) for word in words) / count,
        "stop_words": float(len(_STOP_WORDS.intersection(map(str.lower, words)))),
    }


_GROUPS: Mapping[str, Callable[[str], dict[str, float]]] = {
    "characters": _of_characters,
    "lines": _of_lines,
    "sentences": _of_sentences,
    "words": _of_words,
}


def limits_from(texts: Iterable[str], statistics: Iterable[str], quantile: float = 0.01) -> tuple[Limit, ...]:
    """Return limits within which all but a share of `quantile` of the texts lie, on either side of each statistic.

    FineWeb2 (Penedo et al., 2025) sets the thresholds of each language so, from texts that are known to be good, such
    as an encyclopedia's. A side on which the texts reach the bound of a share (0 or 1) gets no limit. Shares of lines
    are read from texts of `LEAST_LINES` lines or more.

    Raises:
        InputError: there are fewer texts than the quantile can be read from, or an unknown statistic.
    """
    measured = [statistics_of(text) for text in texts]
    limits = []
    for name in statistics:
        if name not in statistics_of(""):
            raise InputError(f"there is no statistic {name!r}; choose from {', '.join(statistics_of(''))}")
        values = [found[name] for found in measured if not name.endswith("_lines") or found["lines"] >= LEAST_LINES]
        if len(values) * quantile < 1:
            kind = f"texts of {LEAST_LINES} lines or more" if name.endswith("_lines") else "texts"
            raise InputError(
                f"{len(values)} {kind} do not show a quantile of {quantile} of {name}; give at least {1 / quantile:.0f}"
            )
        low, high = np.quantile(values, [quantile, 1 - quantile])
        is_share = all(0 <= value <= 1 for value in values)
        limits.append(
            Limit(
                statistic=name,
                least=-np.inf if low == 0 else float(low),
                most=np.inf if is_share and high == 1 else float(high),
            )
        )
    return tuple(limits)


def save_limits(path: Path, limits: tuple[Limit, ...]) -> None:
    """Write limits as JSON; a side without a limit is left out."""
    rows = [{key: value for key, value in asdict(limit).items() if value not in (-np.inf, np.inf)} for limit in limits]
    write_text(path, json.dumps(rows, indent=1) + "\n")


def load_limits(path: Path) -> tuple[Limit, ...]:
    """Return limits that `save_limits` wrote, or a person. InputError if the file holds none."""
    known = statistics_of("")
    try:
        limits = tuple(Limit(**row) for row in json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{path} holds no limits of statistics ({error}); make it by clean train statistics"
        ) from error
    for limit in limits:
        if not all(isinstance(value, int | float) for value in (limit.least, limit.most)):
            raise InputError(f"{path}: least and most of {limit.statistic!r} must be numbers")
        if limit.statistic not in known:
            raise InputError(f"{path}: there is no statistic {limit.statistic!r}; choose from {', '.join(known)}")
    return limits
