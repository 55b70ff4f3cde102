"""Next-token prediction: from hidden states to sums and denominators."""

import jax
import jax.numpy as jnp

from tanuki_jax.config.experiment import NextToken
from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.kernels.cross_entropy import LinearCrossEntropy
from tanuki_jax.lm.objectives.sums import Sums


def next_token(
    states_btd: jax.Array,
    output_dv: jax.Array,
    batch: Batch[jax.Array],
    objective: NextToken,
    cross_entropy: LinearCrossEntropy,
) -> Sums:
    """Negative log-likelihood in nats, and z-loss (the squared log partition function), summed over the tokens that count.

    Args:
        states_btd: final hidden states [B, T, D].
        output_dv: output matrix [D, V].
        batch: its `targets` and `loss_weights`, [B, T].
        objective: the weight of the z-loss in the total.
        cross_entropy: `kernels.cross_entropy.linear_cross_entropy`, or what stands for it on a mesh.
    """
    logps_bt, log_z_bt = cross_entropy(states_btd, output_dv, batch.targets, batch.loss_weights)
    loss = -jnp.sum(logps_bt * batch.loss_weights)
    z_loss = jnp.sum(jnp.square(log_z_bt) * batch.loss_weights)
    return Sums(
        total=loss + objective.z_loss * z_loss,
        weight=jnp.sum(batch.loss_weights),
        parts={"loss": loss, "z_loss": z_loss},
    )
