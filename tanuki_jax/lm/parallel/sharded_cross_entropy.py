"""Linear + cross-entropy on a mesh: each device has its own tokens and its own slice of the vocabulary."""

from typing import Protocol

import jax
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from tanuki_jax.config.experiment import Layout
from tanuki_jax.lm.kernels.cross_entropy import SIZES, BlockSizes, LowRank, linear_cross_entropy
from tanuki_jax.lm.kernels.varying import varying
from tanuki_jax.lm.model.weights import Weight
from tanuki_jax.lm.parallel.sharding import ACTIVATIONS, BATCH, step_spec

_OUTPUT = Weight(dims="d v", shape=(), inputs=1)
"""Row of the output matrix; a tied embedding, transposed, is placed alike."""


class ShardedCrossEntropy(Protocol):
    """A `LinearCrossEntropy` of global arrays, to whose logits a product of low rank may be added."""

    def __call__(
        self,
        states_btd: jax.Array,
        output_dv: jax.Array,
        targets_bt: jax.Array,
        weights_bt: jax.Array,
        /,
        low: LowRank | None = None,
    ) -> tuple[jax.Array, jax.Array]: ...


def sharded_linear_cross_entropy(
    mesh: Mesh, layout: Layout, *, frozen: bool = False, sizes: BlockSizes = SIZES
) -> ShardedCrossEntropy:
    """Return `linear_cross_entropy` of global arrays on a mesh, placed by the sharding rules.

    `frozen` and `sizes` are its arguments. The output matrix is gathered over the axes that split D, if any, and its
    gradient is summed and scattered back in its own type. The number of tokens that count may differ between devices:
    no device waits for another inside the loop over them.
    """
    placed, b_placed = (step_spec(_OUTPUT, layout, part) for part in ("", "b"))
    width_axes, vocabulary_axis = placed
    states, tokens = ACTIVATIONS["states"], P(*BATCH[1:])

    def local(
        states_btd: jax.Array, output_dv: jax.Array, targets_bt: jax.Array, weights_bt: jax.Array, /, *low: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        part_dv = varying(
            output_dv, states_btd
        )  # so the gradient is scattered first, and only its part summed over the other axes
        gathered_dv = jax.lax.all_gather(part_dv, width_axes, axis=0, tiled=True) if width_axes else part_dv
        return linear_cross_entropy(
            states_btd,
            gathered_dv,
            targets_bt,
            weights_bt,
            axis=vocabulary_axis,
            frozen=frozen,
            sizes=sizes,
            low=LowRank(*low) if low else None,
        )

    def cross_entropy(
        states_btd: jax.Array,
        output_dv: jax.Array,
        targets_bt: jax.Array,
        weights_bt: jax.Array,
        /,
        low: LowRank | None = None,
    ) -> tuple[jax.Array, jax.Array]:
        specs = (states, placed, tokens, tokens, *((states, b_placed) if low else ()))
        mapped = jax.shard_map(local, mesh=mesh, in_specs=specs, out_specs=(tokens, tokens))
        return mapped(states_btd, output_dv, targets_bt, weights_bt, *(low or ()))

    return cross_entropy
