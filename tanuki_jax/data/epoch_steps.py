"""How many steps go over each source once, as its documents are packed."""

import bisect
from collections.abc import Mapping

from tanuki_jax.config.experiment import Data
from tanuki_jax.config.mixture import Mixture
from tanuki_jax.data import packing
from tanuki_jax.data.mixing import RowMixture
from tanuki_jax.data.store import Store

_MOST = 1 << 40


def steps_of_a_pass(stores: Mapping[str, Store], mixture: Mixture, data: Data, seed: int) -> dict[str, int]:
    """The data step before which each source has been read once, for the first time; without those that are never read to their end."""
    of_mixture = RowMixture(mixture, data.batch_rows)
    found = {}
    for name in of_mixture.sources:
        rows = packing.plan(
            stores[name], packing.Settings.of(data, "train", seed, epoch=0), stores[name].folder / "plans"
        ).rows
        step = _after(of_mixture, name, rows)
        if step < _MOST:
            found[name] = step
    return found


def _after(mixture: RowMixture, source: str, rows: int) -> int:
    """The first data step before which so many rows of the source come; _MOST if there is none."""
    return bisect.bisect_left(range(_MOST), rows, key=lambda step: mixture.consumed(step)[source])
