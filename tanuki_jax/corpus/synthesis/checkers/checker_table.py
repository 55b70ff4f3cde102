"""The table of checkers: a new kind is one file beside this one and one row here."""

from collections.abc import Mapping
from random import Random

from tanuki_jax.corpus.synthesis.checkers.begins_with import BeginsWith
from tanuki_jax.corpus.synthesis.checkers.bullet_list import BulletList
from tanuki_jax.corpus.synthesis.checkers.checker import Checker
from tanuki_jax.corpus.synthesis.checkers.comma_separated import CommaSeparated
from tanuki_jax.corpus.synthesis.checkers.ends_with import EndsWith
from tanuki_jax.corpus.synthesis.checkers.json_keys import JsonKeys
from tanuki_jax.corpus.synthesis.checkers.least_characters import LeastCharacters
from tanuki_jax.corpus.synthesis.checkers.markdown_table import MarkdownTable
from tanuki_jax.corpus.synthesis.checkers.most_characters import MostCharacters
from tanuki_jax.corpus.synthesis.checkers.numbered_list import NumberedList
from tanuki_jax.corpus.synthesis.checkers.one_line import OneLine
from tanuki_jax.corpus.synthesis.checkers.only_digits import OnlyDigits
from tanuki_jax.corpus.synthesis.checkers.only_hiragana import OnlyHiragana
from tanuki_jax.corpus.synthesis.checkers.plain import Plain
from tanuki_jax.corpus.synthesis.checkers.polite import Polite
from tanuki_jax.corpus.synthesis.checkers.question_answer import QuestionAnswer
from tanuki_jax.corpus.synthesis.checkers.sentence_count import SentenceCount
from tanuki_jax.corpus.synthesis.checkers.sentence_ending import SentenceEnding
from tanuki_jax.corpus.synthesis.checkers.uppercase_english import UppercaseEnglish
from tanuki_jax.corpus.synthesis.checkers.without import Without
from tanuki_jax.corpus.synthesis.checkers.word_times import WordTimes
from tanuki_jax.corpus.synthesis.checkers.yaml_keys import YamlKeys
from tanuki_jax.corpus.synthesis.recipe import Language

CHECKERS: Mapping[str, type[Checker]] = {
    "begins_with": BeginsWith,
    "bullet_list": BulletList,
    "comma_separated": CommaSeparated,
    "ends_with": EndsWith,
    "json_keys": JsonKeys,
    "least_characters": LeastCharacters,
    "markdown_table": MarkdownTable,
    "most_characters": MostCharacters,
    "numbered_list": NumberedList,
    "one_line": OneLine,
    "only_digits": OnlyDigits,
    "only_hiragana": OnlyHiragana,
    "plain": Plain,
    "polite": Polite,
    "question_answer": QuestionAnswer,
    "sentence_count": SentenceCount,
    "sentence_ending": SentenceEnding,
    "uppercase_english": UppercaseEnglish,
    "without": Without,
    "word_times": WordTimes,
    "yaml_keys": YamlKeys,
}
"""Name -> kind. Metadata and reports call a kind by this name."""
_NAMES = {kind: name for name, kind in CHECKERS.items()}


def draw(random: Random, language: Language) -> Checker:
    """Return a random command for answers in a language: each kind that suits it is as likely as the others."""
    kinds = [kind for kind in CHECKERS.values() if language in kind.ANSWERS_IN]
    return random.choice(kinds).draw(random, language)


def name_of(checker: Checker) -> str:
    """Return the name of a checker's kind."""
    return _NAMES[type(checker)]
