"""Evaluations by probes: small questions that show one weakness each."""

from tanuki_jax.evaluation.benchmarks.fixed_format import FixedFormat
from tanuki_jax.evaluation.benchmarks.probability_family import ProbabilityFamily
from tanuki_jax.evaluation.benchmarks.probability_probe import ProbabilityProbe
from tanuki_jax.evaluation.benchmarks.recall import Recall
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.evaluation.named_evaluations import evaluation


@evaluation("probes")
def probes() -> Evaluation:
    """Return the probes of the talk: probability in four ways, fixed format against free answers, recall of lists."""
    return Evaluation(name="probes", benchmarks=(ProbabilityProbe(), ProbabilityFamily(), FixedFormat(), Recall()))
