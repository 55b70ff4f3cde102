"""Config of an evaluation: the benchmarks, the judge, and the limits of requests."""

import dataclasses
import re

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.endpoints import Requests
from tanuki_jax.config.limits import NonNegativeInt, Seed, check_fields, check_tuples
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.evaluation.benchmark import Benchmark

_BENCHMARK = "[A-Za-z0-9_-][A-Za-z0-9_.-]*"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Everything that determines the scores of a model."""

    name: str
    """Name of the evaluation."""
    benchmarks: tuple[Benchmark, ...]
    """Benchmarks, in the order in which they are run."""
    data: str = "data"
    """Folder in which the relative paths of the benchmarks begin."""
    first: NonNegativeInt = 0
    """Number of items of each benchmark, the first ones, of its families, categories, subjects or sources alike; 0:
    all, or as many as the benchmark's recipe says."""
    judge: RemoteModel = dataclasses.field(default_factory=RemoteModel)
    """Model that judges, for benchmarks with a judge."""
    baseline: RemoteModel = dataclasses.field(default_factory=RemoteModel)
    """Model whose answers others are compared with, for benchmarks that compare."""
    requests: Requests = dataclasses.field(default_factory=lambda: Requests(failure_share=1.0))
    """Limits of time and of failures. A request that failed is wrong in the score, so that failures end no run."""
    seed: Seed = 0
    """Seed of the answers that are drawn."""

    def __post_init__(self) -> None:
        check_tuples(self)
        for index, each in enumerate(self.benchmarks):
            if not isinstance(each, Benchmark) or not dataclasses.is_dataclass(each):
                raise InputError(f"benchmarks[{index}] is {each!r:.80}, and must be a benchmark, such as MgsmJa()")
        names = [each.name for each in self.benchmarks]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise InputError(f"benchmarks has {twice} twice")
        if odd := next((name for name in names if not re.fullmatch(_BENCHMARK, name)), None):
            raise InputError(
                f"benchmarks has {odd!r:.80}, and a name must consist of letters of ASCII, digits, _, - and ."
            )
        if not names:
            raise InputError("benchmarks is empty; name at least one")
        check_fields(self)
        if not re.fullmatch(r"\w[\w.-]*", self.name):
            raise InputError(f"name is {self.name!r:.80}, and must consist of letters, digits, _, - and .")
