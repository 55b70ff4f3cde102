"""The table of benchmarks: a new benchmark is one file beside this one and one row here."""

from collections.abc import Mapping

from tanuki_jax.evaluation.benchmark import Benchmark
from tanuki_jax.evaluation.benchmarks.exact_formats import ExactFormats
from tanuki_jax.evaluation.benchmarks.fixed_format import FixedFormat
from tanuki_jax.evaluation.benchmarks.held_out_texts import HeldOutTexts
from tanuki_jax.evaluation.benchmarks.jcommonsenseqa import JCommonsenseQa
from tanuki_jax.evaluation.benchmarks.jmmlu import Jmmlu
from tanuki_jax.evaluation.benchmarks.jnli import Jnli
from tanuki_jax.evaluation.benchmarks.jsquad import Jsquad
from tanuki_jax.evaluation.benchmarks.jsts import Jsts
from tanuki_jax.evaluation.benchmarks.mgsm_ja import MgsmJa
from tanuki_jax.evaluation.benchmarks.mt_bench_ja import MtBenchJa
from tanuki_jax.evaluation.benchmarks.obeyed_commands import ObeyedCommands
from tanuki_jax.evaluation.benchmarks.pairwise import Pairwise
from tanuki_jax.evaluation.benchmarks.probability_family import ProbabilityFamily
from tanuki_jax.evaluation.benchmarks.probability_probe import ProbabilityProbe
from tanuki_jax.evaluation.benchmarks.recall import Recall
from tanuki_jax.evaluation.benchmarks.school_problems import SchoolProblems

BENCHMARKS: Mapping[str, type[Benchmark]] = {
    "exact_formats": ExactFormats,
    "fixed_format": FixedFormat,
    "held_out_texts": HeldOutTexts,
    "jcommonsenseqa": JCommonsenseQa,
    "jmmlu": Jmmlu,
    "jnli": Jnli,
    "jsquad": Jsquad,
    "jsts": Jsts,
    "mgsm_ja": MgsmJa,
    "obeyed_commands": ObeyedCommands,
    "probability_family": ProbabilityFamily,
    "probability_probe": ProbabilityProbe,
    "recall": Recall,
    "mt_bench_ja": MtBenchJa,
    "pairwise": Pairwise,
    "school_problems": SchoolProblems,
}
"""Name -> benchmark."""


def kind_of(benchmark: Benchmark) -> str:
    """Return the name of a benchmark's kind; that of its class, if it has no row, as one in a file of one's own."""
    return next((name for name, kind in BENCHMARKS.items() if type(benchmark) is kind), type(benchmark).__name__)
