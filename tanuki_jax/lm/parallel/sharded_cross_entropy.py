"""Linear + cross-entropy on a mesh: each device works on its own tokens and its own slice of the vocabulary."""

import jax
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from tanuki_jax.config.experiment import Layout
from tanuki_jax.lm.kernels.cross_entropy import SIZES, BlockSizes, LinearCrossEntropy, linear_cross_entropy
from tanuki_jax.lm.kernels.varying import varying
from tanuki_jax.lm.parallel.sharding import ACTIVATIONS, BATCH, weights


def sharded_linear_cross_entropy(
    mesh: Mesh, layout: Layout, *, frozen: bool = False, sizes: BlockSizes = SIZES
) -> LinearCrossEntropy:
    """Return `linear_cross_entropy` for global arrays on this mesh, placed as the table of sharding rules says.

    `frozen` and `sizes` are its arguments. The output matrix is gathered over the axes that split D, if any do, and its
    gradient summed and scattered back in its own type. How many tokens count may differ between devices: no device
    waits for another inside the loop over them.
    """
    placed = weights(layout)["output"]
    width_axes, vocabulary_axis = placed
    states, tokens = ACTIVATIONS["states"], P(*BATCH[1:])

    def local(
        states_btd: jax.Array, output_dv: jax.Array, targets_bt: jax.Array, weights_bt: jax.Array, /
    ) -> tuple[jax.Array, jax.Array]:
        part_dv = varying(
            output_dv, states_btd
        )  # so the gradient is scattered first, and only its part summed over the other axes
        whole_dv = jax.lax.all_gather(part_dv, width_axes, axis=0, tiled=True) if width_axes else part_dv
        return linear_cross_entropy(
            states_btd, whole_dv, targets_bt, weights_bt, axis=vocabulary_axis, frozen=frozen, sizes=sizes
        )

    return jax.shard_map(local, mesh=mesh, in_specs=(states, placed, tokens, tokens), out_specs=(tokens, tokens))
