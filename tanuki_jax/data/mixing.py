"""Which row of which source each row of each batch is: sources alternate in proportion to their weights, stage by stage."""

import dataclasses
from typing import NamedTuple

import numpy as np

from tanuki_jax.config.mixture import Mixture
from tanuki_jax.data.packing import Integers, ranges

VERSION = 1
"""Of the order in which sources alternate: a change of it changes every batch."""
PERIOD = 65_536
"""Rows after which the order repeats; weights are rounded to whole rows of it, and a weight above zero gets at least one."""


class SourceRows(NamedTuple):
    """For each row, which source it is from and which row of that source it is."""

    sources: Integers
    """int64[n], place in `RowMixture.sources`."""
    indices: Integers
    """int64[n], rows of the source that come before it, over all epochs."""


@dataclasses.dataclass(frozen=True)
class _Stage:
    """One period of a stage, and where it begins."""

    from_step: int
    shares: Integers
    """int64[sources], rows of each in a period."""
    source_of: Integers
    """int64[PERIOD], source of each row of a period."""
    rank: Integers
    """int64[PERIOD], how many earlier rows of the period are of the same source."""
    consumed: Integers
    """int64[sources], rows of each before the stage."""

    def consumed_after(self, rows: int) -> Integers:
        """int64[sources], rows of each that are read when the stage has had so many rows."""
        periods, rest = divmod(rows, PERIOD)
        return self.consumed + periods * self.shares + np.bincount(self.source_of[:rest], minlength=len(self.shares))


class RowMixture:
    """A mixture laid out over the rows of all batches. Without state: the answers depend on the arguments alone.

    After any number of rows of a stage, a source of share w among S sources has had its part to within 1/2 + w S / 2 rows. A stage
    goes on in each source where the one before it stopped.
    """

    def __init__(self, mixture: Mixture, batch_rows: int) -> None:
        self.sources = tuple(source.name for source in mixture.used)
        self._batch_rows = batch_rows
        self._stages: list[_Stage] = []
        consumed = np.zeros(len(self.sources), np.int64)
        for stage in mixture.stages:
            if self._stages:
                consumed = self._stages[-1].consumed_after((stage.from_step - self._stages[-1].from_step) * batch_rows)
            shares = quantized([stage.weights.get(name, 0.0) for name in self.sources])
            source_of, rank = spread(shares)
            self._stages.append(_Stage(stage.from_step, shares, source_of, rank, consumed))

    def rows(self, data_step: int, rows: Integers) -> SourceRows:
        """The given rows, int64[n] from 0 to batch_rows - 1, of the batch of `data_step`."""
        stage = self._stages[self.stage(data_step)]
        row_of_stage = (data_step - stage.from_step) * self._batch_rows + rows
        periods, slots = row_of_stage // PERIOD, row_of_stage % PERIOD
        sources = stage.source_of[slots]
        return SourceRows(sources, stage.consumed[sources] + periods * stage.shares[sources] + stage.rank[slots])

    def consumed(self, data_step: int) -> dict[str, int]:
        """How many rows of each source come before `data_step`."""
        stage = self._stages[self.stage(data_step)]
        rows = stage.consumed_after((data_step - stage.from_step) * self._batch_rows)
        return dict(zip(self.sources, rows.tolist(), strict=True))

    def description(self) -> list[tuple[int, dict[str, int]]]:
        """Everything that the order depends on: first data step and shares of each stage."""
        return [
            (stage.from_step, dict(zip(self.sources, stage.shares.tolist(), strict=True))) for stage in self._stages
        ]

    def stage(self, data_step: int) -> int:
        """Number of the stage to which `data_step` belongs, from 0."""
        return max(number for number, stage in enumerate(self._stages) if stage.from_step <= data_step)


def quantized(weights: list[float]) -> Integers:
    """Whole rows of a period for each weight: the largest remainders are rounded up, and no positive weight gets none."""
    exact = np.array(weights) / sum(weights) * PERIOD
    shares = np.where(exact > 0, np.maximum(np.floor(exact), 1), 0).astype(np.int64)
    order = np.argsort(shares - exact, kind="stable")
    missing = PERIOD - int(shares.sum())
    if missing >= 0:
        shares[order[:missing]] += 1
    while missing < 0:  # many tiny weights were raised to one row: the largest shares pay for them
        shares[np.argmax(shares)] -= 1
        missing += 1
    return shares


def spread(shares: Integers) -> tuple[Integers, Integers]:
    """Lays the rows of each source evenly over a period: the source of each row, and its rank among the rows of that source.

    Row j of a source with k rows lies at (j + 1/2) / k of the period; equal places go in the order of the sources.
    """
    source_of = np.repeat(np.arange(len(shares)), shares)
    rank = ranges(shares)
    order = np.argsort((rank + 0.5) / shares[source_of], kind="stable")
    return source_of[order], rank[order]
