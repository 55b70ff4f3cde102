"""A part of a document that begins and ends with a sentence or a paragraph, chosen at random."""

import itertools
import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from random import Random

from tanuki_jax.corpus.synthesis.recipe import Dropped

_CLOSING = r"[」』）)】〉》\]\"'”’]*"
_TOKEN = re.compile(
    r"「[^「」\n]{0,300}」|『[^『』\n]{0,300}』|（[^（）\n]{0,300}）"  # marks inside them end no sentence
    r"|(?m:^[^\S\n]*\d{1,3}[.．])"  # the number of an item
    rf"|(?P<end>(?:[。！？]|．(?!\d)|(?<![A-Za-z])[!?])+{_CLOSING}"
    rf"|(?<!\b[A-Z])(?<!\b(?:Mr|Ms|Dr|St|No|vs))(?<!\b(?:Mrs|Fig))[.!?]+{_CLOSING}(?=\s))"
    r"|(?P<line>\n(?:\s*\n)?)"
)
_ITEM = re.compile(r"[^\S\n]*(?:[・•●○◆◇■□▲△▼▽★☆※*\-–—#＃【]|[0-9０-９①-⑳]+[.．、)）])")
_HEADING = 20
"""Longest line, in characters, that is a heading or an item rather than the first part of a broken sentence."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a text."""

    text: str
    start: int
    """Position of its first character."""
    stop: int
    """Position behind its last character."""


def random_slice(text: str, random: Random, least: int = 400, most: int = 2_000) -> Slice:
    """Return a part of a text of `least` to `most` characters, without white space around it.

    It begins and ends with a sentence, a heading or a paragraph. A text that is shorter than `least` is returned whole.
    One whose sentences are too long for that (or that has no marks of their ends) is cut after `most` characters.

    Args:
        text: text of a document.
        random: source of the choice.
        least: least number of characters.
        most: greatest number of characters.

    Raises:
        Dropped: the text is empty.
    """
    spans = sentence_spans(text)
    if not spans:
        raise Dropped("document without text")
    starts, stops = [span[0] for span in spans], [span[1] for span in spans]
    if stops[-1] - starts[0] < least:
        return Slice(text[starts[0] : stops[-1]], starts[0], stops[-1])
    length = random.randint(least, most)
    choices = []
    for start in starts:
        first, behind = bisect_left(stops, start + least), bisect_right(stops, start + most)
        if first < behind:
            choices.append((start, first))
    if choices:
        start, first = random.choice(choices)
        stop = stops[max(first, bisect_right(stops, start + length) - 1)]
    else:
        last = stops[-1] - least
        start = random.choice([start for start in starts if start <= last])
        stop = min(start + most, stops[-1])
        stop = start + len(text[start:stop].rstrip())
    return Slice(text[start:stop], start, stop)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return first position and position behind the last of each sentence and heading, without white space around it.

    A line break inside a sentence, as in a text with lines of one width, does not end it.
    """
    cuts = [0]
    for match in _TOKEN.finditer(text):
        if match["end"] or (match["line"] and _ends_paragraph(text, match, cuts[-1])):
            cuts.append(match.end())
    cuts.append(len(text))
    spans = []
    for start, stop in itertools.pairwise(cuts):
        piece = text[start:stop]
        if bare := piece.strip():
            begin = start + len(piece) - len(piece.lstrip())
            spans.append((begin, begin + len(bare)))
    return spans


def _ends_paragraph(text: str, match: re.Match[str], last_cut: int) -> bool:
    """Whether a line break ends a heading, an item or a paragraph, rather than standing inside a sentence."""
    if match[0].count("\n") > 1 or _ITEM.match(text, match.end()):
        return True
    start = max(last_cut, text.rfind("\n", last_cut, match.start()) + 1)
    line = text[start : match.start()].rstrip()
    return len(line) <= _HEADING or line.endswith((":", "："))
