"""Lists of rules that a pipeline begins with."""

from tanuki_jax.corpus.cleaning.draft import Rule
from tanuki_jax.corpus.cleaning.rules.addresses import Addresses
from tanuki_jax.corpus.cleaning.rules.adult import Adult
from tanuki_jax.corpus.cleaning.rules.advertisement import Advertisement
from tanuki_jax.corpus.cleaning.rules.board import Board
from tanuki_jax.corpus.cleaning.rules.dates import Dates
from tanuki_jax.corpus.cleaning.rules.endings import Endings
from tanuki_jax.corpus.cleaning.rules.headers import Headers
from tanuki_jax.corpus.cleaning.rules.japanese_share import JapaneseShare
from tanuki_jax.corpus.cleaning.rules.kana_share import KanaShare
from tanuki_jax.corpus.cleaning.rules.length import Length
from tanuki_jax.corpus.cleaning.rules.line_dictionary import LineDictionary
from tanuki_jax.corpus.cleaning.rules.menus import Menus
from tanuki_jax.corpus.cleaning.rules.noise import Noise
from tanuki_jax.corpus.cleaning.rules.normalize import Normalize
from tanuki_jax.corpus.cleaning.rules.pii import Pii
from tanuki_jax.corpus.cleaning.rules.quality import Quality
from tanuki_jax.corpus.cleaning.rules.repetition import Repetition
from tanuki_jax.corpus.cleaning.rules.similar_lines import SimilarLines
from tanuki_jax.corpus.cleaning.rules.statistics import ENGLISH, Statistics
from tanuki_jax.corpus.cleaning.rules.symbol_noun import SymbolNoun


def japanese_rules() -> tuple[Rule, ...]:
    """Return the rules for Japanese pages: cheap ones that drop documents, then those of lines, then the rest.

    Upstream's order (`ml_clean_text`) is vocabularies, language, length, masks, repetition, lines, nouns, endings,
    dates. Here rules of lines run before those that judge the whole, so that a good text is not dropped for the menu
    above it; the analysis of morphemes comes last because it costs most.
    """
    return (
        Addresses(),
        Normalize(),
        JapaneseShare(),
        Adult(),
        Board(),
        Advertisement(),
        Headers(),
        LineDictionary(),
        Menus(),
        Dates(),
        SimilarLines(),
        Noise(),
        Endings(),
        Repetition(),
        KanaShare(),
        Statistics(),
        SymbolNoun(),
        Length(),
        Quality(),
        Pii(),
    )


def english_rules() -> tuple[Rule, ...]:
    """Return the rules for English texts such as papers and encyclopedias."""
    return (
        Addresses(),
        Normalize(),
        Adult(words=("adult_en",)),
        Endings(),
        Repetition(characters_per_word=5),
        Statistics(limits=ENGLISH),
        Length(shortest=200),
        Pii(),
    )
