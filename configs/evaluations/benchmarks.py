"""Evaluations by benchmarks with right answers."""

from tanuki_jax.evaluation.benchmarks.exact_formats import ExactFormats
from tanuki_jax.evaluation.benchmarks.held_out_texts import HeldOutTexts
from tanuki_jax.evaluation.benchmarks.jaster_task import Form, JasterTask
from tanuki_jax.evaluation.benchmarks.jcommonsenseqa import JCommonsenseQa
from tanuki_jax.evaluation.benchmarks.jmmlu import Jmmlu
from tanuki_jax.evaluation.benchmarks.jnli import Jnli
from tanuki_jax.evaluation.benchmarks.jsquad import Jsquad
from tanuki_jax.evaluation.benchmarks.jsts import Jsts
from tanuki_jax.evaluation.benchmarks.mgsm_ja import MgsmJa
from tanuki_jax.evaluation.benchmarks.obeyed_commands import ObeyedCommands
from tanuki_jax.evaluation.benchmarks.school_problems import SchoolProblems
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.evaluation.named_evaluations import evaluation

_SHOTS = (0, 2)


def _tasks(form: Form) -> tuple[JasterTask, ...]:
    """Return the tasks of the Jaster family in one form, without and with examples."""
    kinds = (JCommonsenseQa, MgsmJa, Jnli, Jsquad, Jsts, Jmmlu)
    return tuple(kind(shots=shots, form=form) for kind in kinds for shots in _SHOTS)


@evaluation("jaster")
def jaster() -> Evaluation:
    """Return the Jaster family as the Nejumi leaderboard 3 asks it, and the free form of JCommonsenseQA beside it."""
    return Evaluation(name="jaster", benchmarks=(*_tasks("chat"), JCommonsenseQa(form="free")))


@evaluation("jaster_text")
def jaster_text() -> Evaluation:
    """Return the Jaster family for models without a chat template: as texts to continue, and by log-probabilities."""
    return Evaluation(name="jaster_text", benchmarks=(*_tasks("text"), *_tasks("loglikelihood")))


@evaluation("small")
def small() -> Evaluation:
    """Return scores that mean something for small models: loss by source, exact formats, school problems by level."""
    return Evaluation(name="small", benchmarks=(HeldOutTexts(), ExactFormats(), ObeyedCommands(), SchoolProblems()))


@evaluation("exact_formats")
def exact_formats() -> Evaluation:
    """Return instructions in exact forms alone."""
    return Evaluation(name="exact_formats", benchmarks=(ExactFormats(),))


@evaluation("small_text")
def small_text() -> Evaluation:
    """Return the scores of `small` for models without a chat template."""
    return Evaluation(
        name="small_text", benchmarks=(HeldOutTexts(), ExactFormats(form="text"), SchoolProblems(form="text"))
    )
