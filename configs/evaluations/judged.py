"""Evaluations by a judge, which `--judge.urls` names."""

from tanuki_jax.evaluation.benchmarks.mt_bench_ja import MtBenchJa
from tanuki_jax.evaluation.benchmarks.pairwise import Pairwise
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.evaluation.named_evaluations import evaluation


@evaluation("mt_bench_ja")
def mt_bench_ja() -> Evaluation:
    """Return the Japanese MT-Bench: both turns of 80 questions, rated from 1 to 10."""
    return Evaluation(name="mt_bench_ja", benchmarks=(MtBenchJa(),))


@evaluation("pairwise_ja")
def pairwise_ja() -> Evaluation:
    """Return the questions of the Japanese MT-Bench, the answers compared with a baseline's (`--baseline.urls`)."""
    return Evaluation(name="pairwise_ja", benchmarks=(Pairwise(),))
