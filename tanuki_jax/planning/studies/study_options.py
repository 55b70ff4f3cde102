"""Command-line options of the studies of learning."""

import dataclasses

from tanuki_jax.config.limits import NonNegativeInt, PositiveInt


@dataclasses.dataclass(frozen=True, kw_only=True)
class TuningOptions:
    """Tune a small model by SFT and DPO, seed by seed; print how well it does on held-out instructions and pairs."""

    json: str
    """Report to write."""
    seeds: PositiveInt = 3
    """Number of seeds."""
    prompts: PositiveInt = 300
    """Held-out instructions, and as many open requests, that each model answers."""
    work: str = "runs/tuning"
    """Folder of the runs; finished runs are reused."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExercisesOptions:
    """Tune a small model with exercises of a benchmark, its own items or similar ones; print how the scores rise."""

    json: str
    """Report to write."""
    plot: str = ""
    """PNG file to draw."""
    counts: tuple[NonNegativeInt, ...] = (0, 30, 100, 300, 1000)
    """Numbers of exercises among the other instructions."""
    steps: PositiveInt = 300
    """Training steps of each tuning."""
    items: PositiveInt = 300
    """Number of items of the benchmark."""
    work: str = "runs/exercises"
    """Folder of the runs; finished runs are reused."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class UpcyclingOptions:
    """Grow a dense model into a mixture of experts; compare it with the dense model and a mixture from scratch."""

    json: str
    """Report to write."""
    plot: str = ""
    """PNG file to draw."""
    seeds: PositiveInt = 3
    """Number of seeds."""
    steps: tuple[PositiveInt, PositiveInt] = (200, 300)
    """Training steps before growing, and after it."""
    work: str = "runs/upcycling"
    """Folder of the runs; finished runs are reused."""
