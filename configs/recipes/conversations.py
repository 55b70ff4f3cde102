"""Synthesis from conversations: --inputs names them, such as records of people, or of another run."""

from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.synthesis.filters.evaluation_leak import EvaluationLeak
from tanuki_jax.corpus.synthesis.filters.self_repetition import SelfRepetition
from tanuki_jax.corpus.synthesis.filters.teacher_phrases import TeacherPhrases
from tanuki_jax.corpus.synthesis.filters.unsafe import Unsafe
from tanuki_jax.corpus.synthesis.filters.written_language import WrittenLanguage
from tanuki_jax.corpus.synthesis.made import Filter
from tanuki_jax.corpus.synthesis.named_syntheses import synthesis
from tanuki_jax.corpus.synthesis.recipes.judged import Judged
from tanuki_jax.corpus.synthesis.recipes.pairs import Pairs
from tanuki_jax.corpus.synthesis.recipes.reanswer import Reanswer
from tanuki_jax.corpus.synthesis.recipes.similar import Similar
from tanuki_jax.corpus.synthesis.synthesis_settings import Synthesis

SPOKEN: tuple[Filter, ...] = (WrittenLanguage(), TeacherPhrases(), SelfRepetition(), Unsafe(), EvaluationLeak())
"""Filters of conversations."""


@synthesis("reanswer")
def reanswer() -> Synthesis:
    """Return a run of new answers to the questions of conversations."""
    return Synthesis(name="reanswer", recipe=Reanswer(), filters=SPOKEN, kind="new answers to known questions")


@synthesis("similar")
def similar() -> Synthesis:
    """Return a run of questions like those of conversations, with answers."""
    return Synthesis(
        name="similar", recipe=Similar(), filters=SPOKEN, duplicates=Duplicates(), kind="questions like known ones"
    )


@synthesis("judge")
def judge() -> Synthesis:
    """Return a run that keeps conversations as they are, with a judge's score from 1 to 5."""
    return Synthesis(name="judge", recipe=Judged(), kind="conversations with scores")


@synthesis("pairs")
def pairs() -> Synthesis:
    """Return a run of preferences: answers of a model, compared by a judge in both orders."""
    return Synthesis(name="pairs", recipe=Pairs(), gate_share=0.95, kind="preferences of a judge")
