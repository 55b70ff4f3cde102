"""Command to use a word an exact number of times."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Self

from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.corpus.synthesis.checkers.checker import WORDINGS_DRAWN, Checker
from tanuki_jax.corpus.synthesis.checkers.word_occurrences import check_word, occurrences
from tanuki_jax.corpus.synthesis.recipe import Language

_WORDS: Mapping[Language, tuple[str, ...]] = {
    "ja": ("しかし", "たとえば", "大切", "つまり", "理由", "まず", "自然", "未来", "工夫", "なるほど"),
    "en": ("however", "example", "because", "important", "nature", "future", "reason", "simple", "together", "always"),
}


@dataclass(frozen=True, kw_only=True)
class WordTimes(Checker):
    """An answer that has a word exactly a number of times. A word of Latin letters counts as a whole word in any case;
    any other counts wherever its characters are, without overlaps."""

    word: str
    """Word, without white space around it."""
    times: PositiveInt
    """Number of times."""

    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "「{word}」という言葉をちょうど{times}回使ってください。",
            "文中に「{word}」を{times}回だけ入れてください。",
            "「{word}」が{times}回出てくるように書いてください。それより多くても少なくてもいけません。",
        ),
        "en": (
            'Use the word "{word}" exactly this many times: {times}.',
            'The word "{word}" must be there {times} time(s), neither more nor fewer.',
        ),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        check_word("word", self.word)

    @classmethod
    def draw(cls, random: Random, language: Language) -> Self:
        return cls(
            word=random.choice(_WORDS[language]), times=random.randint(1, 4), wording=random.randrange(WORDINGS_DRAWN)
        )

    def values(self, language: Language) -> Mapping[str, object]:
        return {"word": self.word, "times": self.times}

    def holds(self, answer: str) -> bool:
        return occurrences(self.word, answer) == self.times
