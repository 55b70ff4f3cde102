"""Command-line options of the timings: kernels, steps, the loader, all of them, and what is made from their report."""

import dataclasses
from typing import Literal

import tyro

from tanuki_jax.config.limits import PositiveFloat, PositiveInt


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Time one benchmark and print a table. Variants that fail or give wrong results are listed, not timed."""

    sizes: Literal["full", "small"] = "full"
    """Shapes to time: `full` for an accelerator, `small` for a laptop."""
    json: str = ""
    """JSON file to write the results to."""
    plot: str = ""
    """PNG file to draw."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepOptions:
    """Time training steps of a config on one device, under its own rematerialisation policy and every named one."""

    layers: tuple[PositiveInt, ...] = (2, 4)
    """One depth that fits this device, or two, from which the time of a step with all layers is extrapolated."""
    rows: tuple[PositiveInt, ...] = ()
    """Rows of a micro-batch; empty: as many as hold 32,768 tokens, or 16,384 if the config trains adapters."""
    document: PositiveInt = 1024
    """Mean length of a document, in tokens."""
    policies: tuple[Literal["own", "none", "dots", "attention", "full"], ...] = ()
    """Rematerialisation policies to time; `own` is the policy of the config's layout; empty: all."""
    json: str = ""
    """JSON file to write the results to."""
    plot: str = ""
    """PNG file to draw."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class AllOptions:
    """Time every benchmark. Each result is saved at once; run again, the same command measures only what is missing."""

    json: str
    """Report to write; results are collected in the folder of the same name with the ending .parts."""
    sizes: Literal["full", "small"] = "full"
    """Shapes to time: `full` for an accelerator, `small` for a laptop."""
    budget_seconds: PositiveFloat = 540.0
    """Time limit of this run."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TableOptions:
    """Print the results of a report beside the targets of this project, as a table in Markdown."""

    report: tyro.conf.Positional[str]
    """Report written by `bench all --json`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class HardwareOptions:
    """Write the speeds measured in a report to a hardware file, for predictions with `plan --target=FILE.toml:3x8`."""

    report: tyro.conf.Positional[str]
    """Report written by `bench all --json`."""
    hardware: str
    """Hardware whose other figures are kept, as in h200, or a hardware file of your own."""
    out: str
    """Hardware file to write, ending in .toml."""
