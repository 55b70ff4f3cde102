"""Vocabularies: lists of words in files, and a matcher that finds all of them in one pass over a text."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.draft import Draft

BUILT_IN = Path(__file__).parent / "vocabularies"
"""Folder of the vocabularies that come with the package."""
_SURROGATES = re.compile("[\ud800-\udfff]")
_LATIN = re.compile("[0-9A-Za-z]")
_KATAKANA = re.compile("[ァ-ヺー]")


class Match(NamedTuple):
    """A word of a vocabulary in a text."""

    word: int
    """Position of the word in the vocabulary."""
    start: int
    stop: int


def load_vocabulary(name: str) -> tuple[str, ...]:
    """Return the entries of a vocabulary in their order, each once.

    A vocabulary is a text file in UTF-8 with one entry a line; blank lines and lines that begin with # are comments.

    Args:
        name: name of a file in `vocabularies/` without its .txt, or path of a file of your own.

    Raises:
        InputError: there is no such file, or it is not UTF-8, or has no entry.
    """
    path = built_in if (built_in := BUILT_IN / f"{name}.txt").is_file() else Path(name)
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(sorted(file.stem for file in BUILT_IN.glob("*.txt")))
        raise InputError(
            f"the vocabulary {name!r} cannot be read ({error}); name a text file in UTF-8, or one of {known}"
        ) from error
    entries = tuple(dict.fromkeys(line.strip() for line in lines if line.strip() and not line.startswith("#")))
    if not entries:
        raise InputError(f"the vocabulary {name!r} has no entry; write one entry a line")
    return entries


class Matcher:
    """The words of a vocabulary, ready to be found in texts in one pass (Aho and Corasick, 1975)."""

    def __init__(self, words: tuple[str, ...]) -> None:
        from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

        self.words = words
        self._automaton = AhoCorasick(
            [word.lower() for word in words], matchkind=MatchKind.LeftmostLongest, implementation=Implementation.DFA
        )
        self._edges = tuple((_edge(word[0]), _edge(word[-1])) for word in words)

    def find(self, text: str) -> Iterator[Match]:
        """Yield the words that are in a text, from left to right, without overlaps; the longest wins.

        Case does not matter. A word that begins or ends in katakana or in a Latin letter or digit counts only where
        its neighbour on that side is not of the same kind: "エロ" is not in "ピエロ", nor "anal" in "analysis".
        """
        lowered = text.lower()
        if len(lowered) != len(text):  # "İ" becomes two characters
            lowered = "".join(low if len(low := character.lower()) == 1 else character for character in text)
        try:
            matches = self._automaton.find_matches_as_indexes(lowered)
        except UnicodeEncodeError:
            matches = self._automaton.find_matches_as_indexes(_SURROGATES.sub("\ufffd", lowered))
        for word, start, stop in matches:
            before, after = self._edges[word]
            if before is not None and start and before.match(lowered, start - 1):
                continue
            if after is not None and stop < len(lowered) and after.match(lowered, stop):
                continue
            yield Match(word, start, stop)

    def distinct(self, text: str) -> int:
        """Return how many different words of the vocabulary are in a text."""
        return len({match.word for match in self.find(text)})


@functools.cache
def matcher(*names: str) -> Matcher:
    """Return the matcher of one or several vocabularies; each process makes it once."""
    return Matcher(tuple(dict.fromkeys(word for name in names for word in load_vocabulary(name))))


def has_too_many(draft: Draft, vocabularies: tuple[str, ...], most: int, per_thousand: float) -> bool:
    """Whether a document has more than `most` different words, and `per_thousand` more for each thousand characters."""
    allowed = most + per_thousand * len(draft.text) / 1000
    return not draft.within("different words", matcher(*vocabularies).distinct(draft.text), most=allowed)


def _edge(character: str) -> re.Pattern[str] | None:
    """Return the characters that would continue a word beyond this one; None: any neighbour is fine."""
    return next((kind for kind in (_LATIN, _KATAKANA) if kind.match(character)), None)
