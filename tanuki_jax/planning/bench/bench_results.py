"""What a benchmark says about one variant of one case, and what became of those that could not be timed."""

import dataclasses
import functools
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from tanuki_jax.planning.bench.timing import Timing

type Outcome = Literal["measured", "wrong", "failed", "unavailable"]

DETAIL_CHARACTERS = 300


class Unavailable(Exception):
    """A peer that is not installed, or does not serve this case."""


class Wrong(Exception):
    """A variant whose result is not that of the reference."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figures:
    """What was measured of a variant that ran and was right."""

    timing: Timing
    flops: float = 0.0
    """Useful floating-point operations of a run, by the formula of its benchmark; 0: none to speak of."""
    tokens: int = 0
    """Tokens of a run; 0: they are not what is counted."""
    moved_bytes: int = 0
    """Bytes that a run has to move: arguments read once, results written once."""
    temporary_bytes: int = 0
    """Memory that the compiled program needs beside arguments and results."""
    peak_bytes: int = 0
    """Most memory that the compiled program holds, arguments and results included."""
    device_peak_bytes: int = 0
    """Most memory that this process had held on the device by then, where this run raised it; 0 where it did not."""
    error: float = 0.0
    """Largest relative error of any row of the result (`correctness.worst_row`)."""
    notes: dict[str, float | str] = dataclasses.field(default_factory=dict)
    """Further figures of this benchmark, by name."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """One line of a report."""

    benchmark: str
    case: str
    variant: str
    outcome: Outcome
    detail: str = ""
    """Why it was not measured: the first line of the error."""
    figures: Figures | None = None
    ceiling: float = 0.0
    """FLOP/s of a large bfloat16 matrix product on random data, measured in the same process."""


class Measurement(NamedTuple):
    """One thing to measure: `take` gets the seconds to spend on the clock, and raises for what cannot be measured."""

    benchmark: str
    case: str
    variant: str
    take: Callable[[float], Figures]
    first: bool = True
    """Whether it is among what `bench all` measures before the rest."""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.benchmark, self.case, self.variant


def missing(benchmark: str, packages: Mapping[str, str]) -> Iterator[Measurement]:
    """A line for each peer whose package is not installed; `packages` says which it is."""

    def raises(package: str, _: float) -> Figures:
        raise Unavailable(f"{package} is not installed")

    for variant, package in packages.items():
        if importlib.util.find_spec(package) is None:
            yield Measurement(benchmark, "every case", variant, functools.partial(raises, package))


def take(measurement: Measurement, seconds: float, ceiling: float) -> Result:
    """Measures, and turns whatever is raised into a result that says so."""

    def result(outcome: Outcome, detail: str = "", figures: Figures | None = None) -> Result:
        benchmark, case, variant = measurement.key
        return Result(
            benchmark=benchmark,
            case=case,
            variant=variant,
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
    """The type of an error and the first line of what it says."""
    said = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {said}"[:DETAIL_CHARACTERS]


def to_json(result: Result) -> dict[str, Any]:
    return dataclasses.asdict(result)


def from_json(value: dict[str, Any]) -> Result:
    figures = value["figures"]
    if figures is not None:
        figures = Figures(**figures | {"timing": Timing(**figures["timing"])})
    return Result(**value | {"figures": figures})
