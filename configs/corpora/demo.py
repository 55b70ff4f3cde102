"""A corpus to try the cleaning with."""

from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.pipeline import Input, Pipeline
from tanuki_jax.corpus.cleaning.pipelines import corpus
from tanuki_jax.corpus.cleaning.repeats.repeat_settings import Repeats
from tanuki_jax.corpus.cleaning.rules.language import Language
from tanuki_jax.corpus.cleaning.rules.length import Length
from tanuki_jax.corpus.cleaning.rules.normalize import Normalize
from tanuki_jax.corpus.cleaning.rules.pii import Pii


@corpus("demo")
def demo() -> Pipeline:
    """Return a pipeline over the pages of this project's documentation, which are in English and Japanese."""
    return Pipeline(
        name="demo",
        inputs=(Input(name="documentation", paths=("README*.md", "CONTRIBUTING.md", "docs/*.md", "benchmarks/*.md")),),
        rules=(Normalize(), Language(wanted=("en", "ja")), Length(shortest=200), Pii()),
        split_characters=5_000,
        duplicates=Duplicates(),
        repeats=Repeats(),
        partitions=2,
        format="jsonl.zst",
    )
