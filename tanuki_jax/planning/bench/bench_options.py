"""What the commands of bench may be told."""

import dataclasses
from typing import Literal

import tyro


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Measure one benchmark and print its table. What is wrong or fails is listed, not timed."""

    sizes: Literal["full", "small"] = "full"
    """`full` is for an accelerator, `small` for a laptop."""
    json: str = ""
    """File for the results."""
    plot: str = ""
    """PNG to draw."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepOptions:
    """Time whole training steps of a config on one device, under its own rematerialisation policy and all that have a name."""

    layers: tuple[int, ...] = (2, 4)
    """A depth that fits this device; or two, from which the step's time with all layers is extrapolated."""
    rows: tuple[int, ...] = ()
    """Rows of a micro-batch; none: as many as hold 32,768 tokens, or 16,384 where adapters are trained."""
    document: int = 1024
    """Mean tokens of a document."""
    policies: tuple[Literal["own", "none", "dots", "attention", "full"], ...] = ()
    """Only these, of which `own` is what the config's layout says."""
    json: str = ""
    """File for the results."""
    plot: str = ""
    """PNG to draw."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class AllOptions:
    """Measure everything, in parts that are kept beside the report: the same command goes on where it stopped."""

    json: str
    """The report; parts are kept in the folder of the same name with the ending .parts."""
    sizes: Literal["full", "small"] = "full"
    """`full` is for an accelerator, `small` for a laptop."""
    budget_seconds: float = 540.0
    """Time to spend in this run."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TableOptions:
    """Print what a report says of the figures that we want to reach, as a table in Markdown."""

    report: tyro.conf.Positional[str]
    """What `bench all --json` wrote."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class UpcyclingOptions:
    """Train a dense model, grow it into a mixture of experts, train both on and a mixture from nothing; print what each came to."""

    json: str
    """Report to write."""
    plot: str = ""
    """PNG to draw."""
    seeds: int = 3
    """How often everything is done."""
    steps: tuple[int, int] = (200, 300)
    """Steps before growing, and after it."""
    work: str = "runs/upcycling"
    """Folder of the runs; those that are finished are not made again."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TuningOptions:
    """Tune a small model to answer in the form that is asked for, then by preferences; print how much of what is held out it does."""

    json: str
    """Report to write."""
    seeds: int = 3
    """How often both are done."""
    asked: int = 300
    """Held-out instructions, and open requests, that each model answers."""
    work: str = "runs/tuning"
    """Folder of the runs; those that are finished are not made again."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompileOptions:
    """Compile every kernel to machine code for an accelerator that need not be here: registers, spills, memory, predicted times."""

    target: str = "h200"
    """What to compile for."""
    json: str = ""
    """Report to write, or to add this version of jax to."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class HardwareOptions:
    """Keep what a report says of this machine's devices in a hardware file, from which `plan --target=FILE.toml:3x8` predicts."""

    report: tyro.conf.Positional[str]
    """What `bench all --json` wrote."""
    hardware: str
    """Whose other figures stay: h200, or a file of your own."""
    out: str
    """File to write, ending in .toml."""
