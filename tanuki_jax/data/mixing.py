"""Interleave the rows of sources in proportion to their weights, stage by stage."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tanuki_jax.config.mixture import Mixture
from tanuki_jax.data.packing import Integers, ranges

VERSION = 1
"""Version of the order; to be increased by a change that changes batches."""
PERIOD = 65_536
"""Rows after which the order of sources repeats. Weights are rounded to whole rows of a period, positive ones to at
least one."""


class SourceRows(NamedTuple):
    """Source and row of the source, for each of n rows."""

    sources: Integers
    """int64[n], index in `RowMixture.sources`."""
    indices: Integers
    """int64[n], number of earlier rows of the source, over all epochs."""


@dataclasses.dataclass(frozen=True)
class _Stage:
    """First data step of a stage, and the order of sources in one period."""

    from_step: int
    shares: Integers
    """int64[sources], rows of each source in a period."""
    source_of: Integers
    """int64[PERIOD], source of each row of a period."""
    rank: Integers
    """int64[PERIOD], number of earlier rows of the period with the same source."""
    consumed: Integers
    """int64[sources], rows of each source before the stage."""

    def consumed_after(self, rows: int) -> Integers:
        """Return int64[sources], rows of each source that are read before row number `rows` of the stage."""
        periods, rest = divmod(rows, PERIOD)
        return self.consumed + periods * self.shares + np.bincount(self.source_of[:rest], minlength=len(self.shares))


class RowMixture:
    """Source of every row of every batch, as a pure function of the mixture and the data step.

    After any number of rows of a stage, a source of share w among S sources has been read w times that number of rows,
    to within 1/2 + w S / 2 rows. In each source, a stage continues after the last row of the stage before.
    """

    def __init__(self, mixture: Mixture, batch_rows: int, batches: Sequence[tuple[int, int]] = ()) -> None:
        """Take a mixture and the shape of its batches.

        Args:
            mixture: sources and their weights.
            batch_rows: rows of every batch.
            batches: if their rows have changed, first data step and rows of each size, ascending from data step 0.
        """
        self.sources = tuple(source.name for source in mixture.used)
        self.batches = tuple(batches) or ((0, batch_rows),)
        """First data step and rows of each size of batches, ascending."""
        self._stages: list[_Stage] = []
        consumed = np.zeros(len(self.sources), np.int64)
        for stage in mixture.stages:
            if self._stages:
                consumed = self._stages[-1].consumed_after(self._row_of_stage(self._stages[-1], stage.from_step))
            shares = quantized([stage.weights.get(name, 0.0) for name in self.sources])
            source_of, rank = interleave(shares)
            self._stages.append(_Stage(stage.from_step, shares, source_of, rank, consumed))

    def rows(self, data_step: int, rows: Integers) -> SourceRows:
        """Return source and row for `rows`, int64[n] from 0 to `batch_rows(data_step)` - 1, of the batch of
        `data_step`."""
        stage = self._stages[self.stage(data_step)]
        # The position in the stage determines period and slot. The row of the source then follows without a walk over
        # earlier batches: rows before the stage + rows in full periods + rows before the slot in this period.
        row_of_stage = self._row_of_stage(stage, data_step) + rows
        periods, slots = row_of_stage // PERIOD, row_of_stage % PERIOD
        sources = stage.source_of[slots]
        return SourceRows(sources, stage.consumed[sources] + periods * stage.shares[sources] + stage.rank[slots])

    def consumed(self, data_step: int) -> dict[str, int]:
        """Return source -> number of its rows in all batches before `data_step`."""
        stage = self._stages[self.stage(data_step)]
        rows = stage.consumed_after(self._row_of_stage(stage, data_step))
        return dict(zip(self.sources, rows.tolist(), strict=True))

    def description(self) -> list[tuple[int, dict[str, int]]]:
        """Return the data that determines the order: first data step and shares of each stage."""
        return [
            (stage.from_step, dict(zip(self.sources, stage.shares.tolist(), strict=True))) for stage in self._stages
        ]

    def stage(self, data_step: int) -> int:
        """Return the number, from 0, of the stage that contains `data_step`."""
        return max(number for number, stage in enumerate(self._stages) if stage.from_step <= data_step)

    def size(self, data_step: int) -> int:
        """Return the number, from 0, in `batches` of the size of the batch of `data_step`."""
        return max(number for number, (from_step, _) in enumerate(self.batches) if from_step <= data_step)

    def batch_rows(self, data_step: int) -> int:
        """Return the number of rows in the batch of `data_step`."""
        return self.batches[self.size(data_step)][1]

    def _row_of_stage(self, stage: _Stage, data_step: int) -> int:
        """Return the number of rows in the batches from the first one of a stage to the one before `data_step`."""
        ends = [*(from_step for from_step, _ in self.batches[1:]), data_step]
        return sum(
            rows * max(min(end, data_step) - max(from_step, stage.from_step), 0)
            for (from_step, rows), end in zip(self.batches, ends, strict=True)
        )


def quantized(weights: list[float]) -> Integers:
    """Return rows of a period for each weight, by largest remainders; a positive weight gets at least one row."""
    exact = np.array(weights) / sum(weights) * PERIOD
    shares = np.where(exact > 0, np.maximum(np.floor(exact), 1), 0).astype(np.int64)
    order = np.argsort(shares - exact, kind="stable")
    missing = PERIOD - int(shares.sum())
    if missing >= 0:
        shares[order[:missing]] += 1
    while missing < 0:  # tiny weights were raised to one row: take these rows from the largest shares
        shares[np.argmax(shares)] -= 1
        missing += 1
    return shares


def interleave(shares: Integers) -> tuple[Integers, Integers]:
    """Distribute the rows of each source evenly over a period.

    Returns:
        int64[PERIOD], the source of each row; and int64[PERIOD], its rank among the rows of that source.
    """
    # Row j of a source with k rows has the position (j + 1/2) / k in the period. Sorting all rows by position
    # interleaves the sources; the sort is stable, so equal positions are in the order of the sources.
    source_of = np.repeat(np.arange(len(shares)), shares)
    rank = ranges(shares)
    order = np.argsort((rank + 0.5) / shares[source_of], kind="stable")
    return source_of[order], rank[order]
