"""Synthesis by a plan: what a corpus says too seldom, and what a model answered badly."""

from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.synthesis.named_syntheses import synthesis
from tanuki_jax.corpus.synthesis.recipes.coverage_gaps import CoverageGaps
from tanuki_jax.corpus.synthesis.synthesis_settings import Synthesis


@synthesis("coverage")
def coverage() -> Synthesis:
    """Return a run that writes texts for the plan of `clean coverage`: --inputs FOLDER/plan.jsonl."""
    return Synthesis(
        name="coverage",
        recipe=CoverageGaps(),
        duplicates=Duplicates(),
        gate_share=0.95,
        kind="texts for facts that the corpus says too seldom",
    )
