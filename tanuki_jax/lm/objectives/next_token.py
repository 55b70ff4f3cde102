"""Next-token prediction: of documents, or of the assistant's turns of chats (supervised fine-tuning)."""

import dataclasses

import jax
import jax.numpy as jnp

from tanuki_jax.config.experiment import NextToken
from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.kernels.cross_entropy import LinearCrossEntropy
from tanuki_jax.lm.objectives.objective import StepContext, Sums


@dataclasses.dataclass(frozen=True)
class NextTokenObjective:
    """Negative log-likelihood in nats, and z-loss (the squared log partition function), summed over the tokens that
    count."""

    config: NextToken

    batch_arrays = ()
    documents_per_record = 1
    form = "text or chat"
    reports_held_out_parts = False

    @property
    def needs_rng(self) -> bool:
        """Whether embeddings get noise."""
        return self.config.noise > 0

    def step_context(self, batch: Batch[jax.Array]) -> StepContext:
        """Return an empty context: micro-batches share nothing."""
        return StepContext()

    def embedding_noise(self, key: jax.Array, batch: Batch[jax.Array], width: int, dtype: str) -> jax.Array | None:
        """Return uniform noise within alpha / sqrt(n D), for n tokens of a document (NEFTune, Jain et al. 2024,
        algorithm 1)."""
        if not self.config.noise:
            return None
        time = batch.segment_ids.shape[1]
        counts = jax.vmap(lambda ids_t: jnp.bincount(ids_t, length=time + 1))(batch.segment_ids)
        lengths_bt = jnp.take_along_axis(counts, batch.segment_ids, axis=1)
        bound_bt = self.config.noise * jax.lax.rsqrt((lengths_bt * width).astype(jnp.float32))
        uniform_btd = jax.random.uniform(key, (*batch.tokens.shape, width), jnp.dtype(dtype), -1, 1)
        return uniform_btd * bound_bt[..., None].astype(dtype)

    def sums(
        self,
        states_btd: jax.Array,
        output_dv: jax.Array,
        batch: Batch[jax.Array],
        cross_entropy: LinearCrossEntropy,
        reference_logps_bt: jax.Array | None,
        context: StepContext,
    ) -> Sums:
        """Return `loss` and `z_loss`, their weighted total, and the log-probabilities of the tokens."""
        found_bt, log_z_bt = cross_entropy(states_btd, output_dv, batch.targets, batch.loss_weights)
        logps_bt = found_bt * batch.loss_weights
        loss = -jnp.sum(logps_bt)
        z_loss = jnp.sum(jnp.square(log_z_bt) * batch.loss_weights)
        return Sums(
            total=loss + self.config.z_loss * z_loss,
            weight=jnp.sum(batch.loss_weights),
            parts={"loss": loss, "z_loss": z_loss},
            token_logps=logps_bt,
        )

    def counted(self, batch: Batch[jax.Array]) -> jax.Array:
        """Return the loss weights."""
        return batch.loss_weights
