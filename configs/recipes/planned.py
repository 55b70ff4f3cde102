"""Synthesis by rule, and by a plan: what a corpus says too seldom, and what a model answered badly."""

from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.synthesis.filters.evaluation_leak import EvaluationLeak
from tanuki_jax.corpus.synthesis.filters.self_repetition import SelfRepetition
from tanuki_jax.corpus.synthesis.filters.teacher_phrases import TeacherPhrases
from tanuki_jax.corpus.synthesis.filters.unsafe import Unsafe
from tanuki_jax.corpus.synthesis.named_syntheses import synthesis
from tanuki_jax.corpus.synthesis.recipes.by_rule import ByRule
from tanuki_jax.corpus.synthesis.recipes.coverage_gaps import CoverageGaps
from tanuki_jax.corpus.synthesis.recipes.weakness import Weakness
from tanuki_jax.corpus.synthesis.synthesis_settings import Synthesis


@synthesis("coverage")
def coverage() -> Synthesis:
    """Return a run that writes texts for the plan of `clean coverage`: --inputs FOLDER/plan.jsonl."""
    return Synthesis(
        name="coverage",
        recipe=CoverageGaps(),
        filters=(TeacherPhrases(), SelfRepetition(), Unsafe(), EvaluationLeak()),
        duplicates=Duplicates(),
        gate_share=0.95,
        kind="texts for facts that the corpus says too seldom",
    )


@synthesis("weakness")
def weakness() -> Synthesis:
    """Return a run that writes what a model answered badly: rows of kind, name and missing in --inputs."""
    return Synthesis(
        name="weakness",
        recipe=Weakness(),
        filters=(Unsafe(), EvaluationLeak()),
        duplicates=Duplicates(),
        gate_share=0.9,
        kind="families, categories and formats that a model answered badly",
    )


@synthesis("by_rule")
def by_rule() -> Synthesis:
    """Return a run of school problems with worked solutions, which need no teacher: --count N --output FILE."""
    return Synthesis(name="by_rule", recipe=ByRule(), kind="school problems by rule")
