"""The table of rules: a new rule is one file beside this one and one row here."""

from collections.abc import Mapping

from tanuki_jax.corpus.cleaning.draft import Rule
from tanuki_jax.corpus.cleaning.rules.addresses import Addresses
from tanuki_jax.corpus.cleaning.rules.adult import Adult
from tanuki_jax.corpus.cleaning.rules.advertisement import Advertisement
from tanuki_jax.corpus.cleaning.rules.board import Board
from tanuki_jax.corpus.cleaning.rules.dates import Dates
from tanuki_jax.corpus.cleaning.rules.endings import Endings
from tanuki_jax.corpus.cleaning.rules.headers import Headers
from tanuki_jax.corpus.cleaning.rules.japanese_share import JapaneseShare
from tanuki_jax.corpus.cleaning.rules.judge import Judge
from tanuki_jax.corpus.cleaning.rules.kana_share import KanaShare
from tanuki_jax.corpus.cleaning.rules.language import Language
from tanuki_jax.corpus.cleaning.rules.length import Length
from tanuki_jax.corpus.cleaning.rules.line_dictionary import LineDictionary
from tanuki_jax.corpus.cleaning.rules.menus import Menus
from tanuki_jax.corpus.cleaning.rules.noise import Noise
from tanuki_jax.corpus.cleaning.rules.normalize import Normalize
from tanuki_jax.corpus.cleaning.rules.perplexity import Perplexity
from tanuki_jax.corpus.cleaning.rules.pii import Pii
from tanuki_jax.corpus.cleaning.rules.quality import Quality
from tanuki_jax.corpus.cleaning.rules.repetition import Repetition
from tanuki_jax.corpus.cleaning.rules.similar_lines import SimilarLines
from tanuki_jax.corpus.cleaning.rules.statistics import Statistics
from tanuki_jax.corpus.cleaning.rules.symbol_noun import SymbolNoun

RULES: Mapping[str, type[Rule]] = {
    "addresses": Addresses,
    "adult": Adult,
    "advertisement": Advertisement,
    "board": Board,
    "dates": Dates,
    "endings": Endings,
    "headers": Headers,
    "japanese_share": JapaneseShare,
    "judge": Judge,
    "kana_share": KanaShare,
    "language": Language,
    "length": Length,
    "line_dictionary": LineDictionary,
    "menus": Menus,
    "noise": Noise,
    "normalize": Normalize,
    "perplexity": Perplexity,
    "pii": Pii,
    "quality": Quality,
    "repetition": Repetition,
    "similar_lines": SimilarLines,
    "statistics": Statistics,
    "symbol_noun": SymbolNoun,
}
"""Name -> rule. Reports, scores and options call a rule by this name."""
_NAMES = {kind: name for name, kind in RULES.items()}


def name_of(rule: Rule) -> str:
    """Return the name of a rule."""
    return _NAMES[type(rule)]
