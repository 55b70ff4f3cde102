"""Drop texts that a model or an assistant gives itself away in."""

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from tanuki_jax.corpus.synthesis.checkers.ended_sentences import POLITE, sentence_ends
from tanuki_jax.corpus.synthesis.filters.proper_names import VOCABULARIES
from tanuki_jax.corpus.synthesis.filters.prose import without_code, without_quotations
from tanuki_jax.corpus.synthesis.made import Made

_PLACES = ("beginning", "opening", "end", "closing", "short", "anywhere")
_REASONS = {
    "beginning": "begins with a phrase of an assistant",
    "opening": "begins with a phrase of an assistant",
    "end": "ends with a phrase of an assistant",
    "closing": "ends with a phrase of an assistant",
    "short": "refuses or says that nothing is known",
    "anywhere": "has a phrase of an assistant",
}
_FLAGS = re.IGNORECASE | re.MULTILINE
_QUOTED_LINE = re.compile(r"^\s*>.*$", re.MULTILINE)
_PARAGRAPH = re.compile(r"\n\s*\n|^\s*-{3,}\s*$", re.MULTILINE)
_LAST_LINES, _LAST_CHARACTERS = 3, 160
_LEAST_PLAIN = 3
_WRITING = re.compile(
    r"書(?:い|き|かせ|け)|作(?:りま|成しま|って)|考えて(?:み)?ま|お届け|仕上げ|訳(?:し|して)|言い換え|改めま"
)
_OPENING = 400
_SHORT = 150
"""Most characters of a first or last paragraph, and of a text, that is looked at as a whole."""


@dataclass(frozen=True, kw_only=True)
class TeacherPhrases:
    """Drop texts with a refusal, a preamble, a closing offer or an empty placeholder, which no author would write.

    The phrases are regular expressions in `vocabularies/teacher_phrases_ja.txt` and `_en.txt`; those of both languages
    count in every text, each kind in its place: a preamble at the beginning or in a short first paragraph, an offer in
    the last lines or a short last paragraph, a refusal at the beginning or in a text of at most 150 characters,
    placeholders and "as an AI, I" anywhere. A polite first paragraph about writing, before a
    plain text, is a preamble, too.
    What stands in quotation marks, in code or behind ">" is somebody else's, so that a text about such phrases stays.

    Of phrases in forms that its patterns were not made from, the filter finds about a half: a judge behind it still has
    work.
    """

    def reason(self, made: Made) -> str:
        """Return why the record is dropped; empty: it is kept."""
        text = made.written.strip()
        prose = without_quotations(_QUOTED_LINE.sub("", without_code(text))).strip()
        lines = "\n".join([line for line in prose.split("\n") if line.strip()][-_LAST_LINES:])
        paragraphs = [part.strip() for part in _PARAGRAPH.split(prose) if part.strip(" \n-*")]
        first, last = (paragraphs[0], paragraphs[-1]) if len(paragraphs) > 1 else ("", "")
        parts = {
            "beginning": _outside_quotation(text),
            "opening": first if len(first) <= _SHORT else "",
            "end": lines[-_LAST_CHARACTERS:],
            "closing": last if len(last) <= _SHORT else "",
            "short": prose if len(prose) <= _SHORT else "",
            "anywhere": prose,
        }
        if _is_polite_before(first, paragraphs[1:]):
            return _REASONS["opening"]
        for place in _PLACES:
            part = parts[place]
            find = _patterns(place).match if place == "beginning" else _patterns(place).search
            if part and find(part):
                return _REASONS[place]
        return ""


def _is_polite_before(first: str, others: list[str]) -> bool:
    """Whether a short first paragraph says politely (です, ます) that something was written, before a plain text."""
    if len(first) > _SHORT or _WRITING.search(first) is None:
        return False
    opening, text = sentence_ends(first), sentence_ends("\n".join(others))
    is_polite = bool(opening) and all(map(POLITE.search, opening))
    return is_polite and len(text) >= _LEAST_PLAIN and sum(map(bool, map(POLITE.search, text))) <= len(text) / 5


def _outside_quotation(text: str) -> str:
    """Return the opening of a text in which quotations are empty; a quotation that opens it is left out whole."""
    opening = text[:_OPENING]
    return without_quotations(opening).lstrip("# *\n") if not opening.startswith("```") else opening


@functools.cache
def _patterns(place: str) -> re.Pattern[str]:
    """Return the phrases of a place as one pattern; each process reads them once."""
    files = [VOCABULARIES / f"teacher_phrases_{language}.txt" for language in ("ja", "en")]
    return re.compile("|".join(f"(?:{pattern})" for file in files for pattern in read_patterns(file)[place]), _FLAGS)


def read_patterns(path: Path) -> dict[str, list[str]]:
    """Return place -> regular expressions of a file with one a line, below the place in brackets; # begins comments."""
    found: dict[str, list[str]] = {place: [] for place in _PLACES}
    place = ""
    for line in path.read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("# "):
            if line[1:-1] in found:
                place = line[1:-1]
            else:
                found[place].append(line)
    return found
