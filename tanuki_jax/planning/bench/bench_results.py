"""Results of benchmarks: one for each variant of each case, whether it could be timed or not."""

import dataclasses
import functools
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from tanuki_jax.planning.bench.timing import Timing

type Outcome = Literal["measured", "wrong", "failed", "unavailable"]
type Key = Mapping[str, str | int]
"""Fields that identify a case and a variant, as in {"time": 8192, "direction": "forward", "library": "tanuki_jax"}."""

MFU = "MFU"
CUDNN_SHARE = "of dense cuDNN's time"
SHARES = (MFU, CUDNN_SHARE)
"""Notes that are shares of one."""
DETAIL_CHARACTERS = 300


class Unavailable(Exception):
    """Raised where a peer is not installed, or does not support a case."""


class Wrong(Exception):
    """Raised where the result of a variant differs from the reference."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figures:
    """Measurements of a variant that ran and was correct."""

    timing: Timing
    flops: float = 0.0
    """Useful floating-point operations of a run, by the formula of its benchmark; 0 where they are not counted."""
    tokens: int = 0
    """Tokens of a run; 0 where they are not counted."""
    moved_bytes: int = 0
    """Least traffic of a run: arguments read once, results written once."""
    temporary_bytes: int = 0
    """Memory of the compiled program beside arguments and results."""
    peak_bytes: int = 0
    """Peak memory of the compiled program, arguments and results included."""
    device_peak_bytes: int = 0
    """Peak memory of this process on the device, if this run raised it; else 0."""
    error: float = 0.0
    """Largest relative error of any row of the result (`correctness.worst_row`)."""
    notes: dict[str, float | str] = dataclasses.field(default_factory=dict)
    """Further figures of this benchmark, by name."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """Outcome of one variant of one case; `benchmark`, `case` and `variant` are labels, `key` is for programs."""

    benchmark: str
    case: str
    variant: str
    key: Key
    outcome: Outcome
    detail: str = ""
    """First line of the error, if the variant was not measured."""
    figures: Figures | None = None
    ceiling: float = 0.0
    """FLOP/s of a large bfloat16 matrix product on random data, measured in the same process."""

    def matches(self, benchmark: str, key: Key) -> bool:
        """Whether this is a result of `benchmark` whose key has all fields of `key`."""
        return self.benchmark == benchmark and key.items() <= self.key.items()


class Variant[Run](NamedTuple):
    """An implementation that a benchmark times."""

    name: str
    library: str
    backend: str
    run: Run

    @property
    def key(self) -> Key:
        """Fields that identify the implementation."""
        return {"library": self.library, "backend": self.backend}


class Measurement(NamedTuple):
    """A variant of a case that is yet to be measured."""

    benchmark: str
    case: str
    variant: str
    key: Key
    take: Callable[[float], Figures]
    """(seconds to spend on the clock) -> figures; raises if the variant cannot be measured."""
    first: bool = True
    """Whether `bench all` measures it before those that are not first."""

    @property
    def labels(self) -> tuple[str, str, str]:
        return self.benchmark, self.case, self.variant


def direction(backward: bool) -> str:
    """Return the value of the key field `direction`."""
    return "forward + backward" if backward else "forward"


def missing(benchmark: str, packages: Mapping[str, str]) -> Iterator[Measurement]:
    """Yield an unavailable measurement for each variant of `packages` (variant -> package) that is not installed."""

    def raises(package: str, _: float) -> Figures:
        raise Unavailable(f"{package} is not installed")

    for variant, package in packages.items():
        if importlib.util.find_spec(package) is None:
            key = {"library": package}
            yield Measurement(benchmark, "every case", variant, key, functools.partial(raises, package))


def take(measurement: Measurement, seconds: float, ceiling: float) -> Result:
    """Measure for about `seconds`. Every exception becomes the outcome of the result."""

    def result(outcome: Outcome, detail: str = "", figures: Figures | None = None) -> Result:
        return Result(
            benchmark=measurement.benchmark,
            case=measurement.case,
            variant=measurement.variant,
            key=measurement.key,
            outcome=outcome,
            detail=detail,
            figures=figures,
            ceiling=ceiling,
        )

    try:
        return result("measured", figures=measurement.take(seconds))
    except Unavailable as reason:
        return result("unavailable", str(reason))
    except Wrong as error:
        return result("wrong", str(error))
    except Exception as error:
        return result("failed", first_line(error))


def first_line(error: Exception) -> str:
    """Return the type of an error and the first line of its message."""
    message = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {message}"[:DETAIL_CHARACTERS]


def to_json(result: Result) -> dict[str, Any]:
    """Return a result as a JSON object."""
    return dataclasses.asdict(result)


def from_json(value: dict[str, Any]) -> Result:
    """Return the result that `to_json` turned into `value`."""
    figures = value["figures"]
    if figures is not None:
        figures = Figures(**figures | {"timing": Timing(**figures["timing"])})
    return Result(**value | {"figures": figures})
