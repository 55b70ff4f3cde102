"""Corpora to try the cleaning with."""

from tanuki_jax.corpus.cleaning.pipeline import Input, Pipeline
from tanuki_jax.corpus.cleaning.pipelines import corpus
from tanuki_jax.corpus.cleaning.rules.length import Length


@corpus("demo")
def demo() -> Pipeline:
    """Return a pipeline that cleans the text of README and docs."""
    return Pipeline(
        name="demo",
        inputs=(Input(name="docs", paths=("README*.md", "docs/*.md", "benchmarks/*.md")),),
        rules=(Length(shortest=30),),
    )
