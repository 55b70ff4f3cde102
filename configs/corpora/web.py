"""Corpora of crawled and collected text, after Tanuki's: the paths are yours to set, `--inputs.crawl.paths FILES`."""

from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.pipeline import Input, Pipeline
from tanuki_jax.corpus.cleaning.pipelines import corpus
from tanuki_jax.corpus.cleaning.repeats.repeat_settings import Repeats
from tanuki_jax.corpus.cleaning.rules.default_lists import english_rules, japanese_rules
from tanuki_jax.corpus.cleaning.rules.language import Language
from tanuki_jax.corpus.cleaning.rules.length import Length
from tanuki_jax.corpus.cleaning.rules.normalize import Normalize
from tanuki_jax.corpus.cleaning.rules.pii import Pii


@corpus("japanese_web")
def japanese_web() -> Pipeline:
    """Return a pipeline for crawls (WARC, WET) and web corpora in Japanese."""
    return Pipeline(
        name="japanese_web",
        inputs=(Input(name="crawl", paths=("crawl/**/*.warc.gz", "crawl/**/*.wet.gz", "crawl/**/*.jsonl.zst")),),
        rules=(Language(wanted=("ja",)), *japanese_rules()),
        duplicates=Duplicates(),
        repeats=Repeats(),
        partitions=64,
    )


@corpus("english")
def english() -> Pipeline:
    """Return a pipeline for English papers and encyclopedias."""
    return Pipeline(
        name="english",
        inputs=(
            Input(name="papers", paths=("english/papers/**/*.jsonl.zst",)),
            Input(name="encyclopedia", paths=("english/encyclopedia/**/*.xml.bz2",)),
        ),
        rules=(Language(wanted=("en",)), *english_rules()),
        duplicates=Duplicates(),
        repeats=Repeats(),
        partitions=64,
    )


@corpus("code")
def code() -> Pipeline:
    """Return a pipeline for source code, of which only length, masks and copies are looked at.

    Digits do not tell files apart, and lines that files share (licences, imports) stay.
    """
    return Pipeline(
        name="code",
        inputs=(Input(name="repositories", paths=("code/**/*.parquet",), text_field="content"),),
        rules=(Normalize(), Length(shortest=100, longest=1_000_000), Pii()),
        split_characters=1_000_000,
        duplicates=Duplicates(similarity=0.7, fold_case=False, fold_digits=True),
        partitions=64,
    )
