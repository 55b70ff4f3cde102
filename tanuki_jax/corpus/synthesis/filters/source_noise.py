"""Drop texts in which page furniture or advertising of the sources survived."""

import functools
import itertools
import re
import unicodedata
from dataclasses import dataclass

from tanuki_jax.config.limits import NonNegativeFloat, NonNegativeInt, check_fields
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.lines import ends_sentence, sentences
from tanuki_jax.corpus.cleaning.rules.menus import Menus
from tanuki_jax.corpus.cleaning.vocabulary import load_vocabulary, matcher
from tanuki_jax.corpus.synthesis.filters.proper_names import VOCABULARIES
from tanuki_jax.corpus.synthesis.filters.prose import without_code, without_quotations
from tanuki_jax.corpus.synthesis.made import Made

_BEFORE = re.compile(r"(?:^|[。！？!?|｜>＞»≫／/\t　▶■◆●▼【\[(（・→…])$")
_BEHIND = re.compile(
    r"(?:はこちら|ランキング|一覧|する|を見る|へ戻る|へ)?\s*(?:$|[|｜>＞»≫／/▶→←■◆●▼】\])）:：…]|\(\d|（\d|[　\t]|。$)"
)
_ENDED = re.compile(r"[。．.！？!?」』]\s*$")
_HEADING = re.compile(r"\s*#")
_LINE_MARK = re.compile(r"^[\s・●■◆▶>＞*\-–|]+|[\s→>＞»≫|]+$")
_LABELS = re.compile(r"[|｜>＞»›/／\t■◆●▼▲]|\s{1,}")
_ITEM = re.compile(r"^(?:[・●*+|#-]|\d+[.)])|[大小]さじ|\d\s?(?:g|kg|ml|cc|cm|個|本|枚|片|缶|袋|カップ)(?![A-Za-z])")
"""An item of a list, or a quantity of an ingredient."""
_LONGEST_OF_BLOCK = 80
_LONGEST_LABEL = 40
_LEAST_BLOCK = 4
"""Least number of short lines in a row that are labels of a page."""


@dataclass(frozen=True, kw_only=True)
class SourceNoise:
    """Drop texts with page furniture ("続きを読む", menus, cookie notices) or the words of an advertisement.

    The words are those with which `clean` removes furniture (`noise_ja`, `lines_exact`, the rule `menus`, and
    `advertisement_ja`), and sentences with which a page speaks of itself (`vocabularies/page_sentences.txt`). If there
    are sources, they must have the word, too. A word counts where it stands as a label does, so that prose about
    logging in stays; words that prose uses often count only beside another one. Quotations, code and headings do not
    count.
    """

    most: NonNegativeInt = 0
    """Greatest number of lines or sentences with page furniture."""
    advertising: NonNegativeInt = 2
    """Greatest number of different words of advertisements in a short text."""
    advertising_per_thousand: NonNegativeFloat = 3.0
    """Number of different such words that each thousand characters may have more, as in the rule `advertisement`."""

    def __post_init__(self) -> None:
        check_fields(self)

    def reason(self, made: Made) -> str:
        """Return why the record is dropped; empty: it is kept."""
        prose = without_quotations(without_code(made.written))
        source = "\n".join(made.sources)
        lines = [line for line in prose.split("\n") if line.strip()]
        labels = _labels_in(source)
        found = 0
        for number, line in enumerate(lines):
            if _HEADING.match(line) is None:
                found += _noise_in(line, source) or (number > 0 and line.strip() in labels)
            if found > self.most:
                return "page furniture of the source"
        words = {match.word for match in matcher("advertisement_ja").find(prose)}
        if source:
            words &= {match.word for match in matcher("advertisement_ja").find(source)}
        allowed = self.advertising + self.advertising_per_thousand * len(prose) / 1_000
        return "advertising of the source" if len(words) > allowed else ""


@functools.lru_cache(8)
def _labels_in(source: str) -> frozenset[str]:
    """Return the lines of a source that stand in a row of short lines, most of which end no sentence, as in a menu."""
    lines = [line.strip() for line in source.split("\n") if line.strip()]
    labels: set[str] = set()
    for is_short, group in itertools.groupby(lines, key=lambda line: len(line) <= _LONGEST_OF_BLOCK):
        block = list(group)
        if is_short and len(block) >= _LEAST_BLOCK and 2 * sum(map(ends_sentence, block)) < len(block):
            labels.update(line for line in block if _ITEM.search(line) is None)
    return frozenset(labels)


def _noise_in(line: str, source: str) -> int:
    """Return the number of pieces of page furniture in a line, whose words the source has if there is one."""
    bare = _LINE_MARK.sub("", line)
    folded = _fold(bare)
    plain = _words("prose_words")
    if folded in _words("lines_exact") and (folded not in plain if not source else folded in _lines(source)):
        return 1
    if _is_menu(line, source):
        return 1
    return sum(_is_furniture(sentence, source) for sentence in sentences(line))


def _is_menu(line: str, source: str) -> bool:
    """Whether a line consists of labels, at least two of which are words of page furniture, or the source has it."""
    if line.lstrip().startswith("|") or Menus().apply(Draft("", line)) == "":
        return False
    labels = [_fold(label) for label in _LABELS.split(line) if label.strip()]
    known = [label for label in labels if label in _words("lines_exact") or label in _words("noise_ja")]
    return len(known) >= 2 and (not source or all(label in _fold(source) for label in known))


def _is_furniture(sentence: str, source: str) -> bool:
    text = sentence.strip()
    if not text:
        return False
    if _page_sentences().search(text) and (not source or any(map(_page_sentences().search, _pieces(source)))):
        return True
    words = matcher("noise_ja")
    matches = [match for match in words.find(text) if not source or words.words[match.word].lower() in source.lower()]
    if not matches:
        return False
    ended = _ENDED.search(text) is not None
    if len(matches) > 1 and not ended and len(text) <= _LONGEST_LABEL * 2:
        return True
    for match in matches:
        if words.words[match.word] in load_vocabulary(str(VOCABULARIES / "prose_words.txt")):
            continue
        behind = _BEHIND.match(text, match.stop)
        stands_alone = behind is not None and _BEFORE.search(text[: match.start]) is not None
        ends_label = behind is not None and behind.end() == len(text) and not ended and len(text) <= _LONGEST_LABEL
        if stands_alone or ends_label:
            return True
    return False


@functools.lru_cache(8)
def _pieces(source: str) -> tuple[str, ...]:
    return tuple(piece.strip() for line in source.split("\n") for piece in (line, *sentences(line)))


@functools.lru_cache(8)
def _lines(source: str) -> frozenset[str]:
    return frozenset(_fold(_LINE_MARK.sub("", line)) for line in source.split("\n"))


@functools.cache
def _words(name: str) -> frozenset[str]:
    """Return a vocabulary, folded, each process once."""
    own = VOCABULARIES / f"{name}.txt"
    return frozenset(map(_fold, load_vocabulary(str(own) if own.is_file() else name)))


@functools.cache
def _page_sentences() -> re.Pattern[str]:
    patterns = load_vocabulary(str(VOCABULARIES / "page_sentences.txt"))
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().lower()
