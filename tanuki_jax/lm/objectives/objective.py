"""Protocol of objectives: what the training loop asks of one, and what it returns."""

from typing import NamedTuple, Protocol

import jax

from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.kernels.cross_entropy import LinearCrossEntropy


class Sums(NamedTuple):
    """Sums over the tokens (or pairs) of a micro-batch, never means, so that micro-batches and devices add up
    exactly."""

    total: jax.Array
    """Sum that is differentiated, float32[]."""
    weight: jax.Array
    """Denominator of `total` and of every part, float32[]."""
    parts: dict[str, jax.Array]
    """Reported sums by metric name, float32 of any shape."""
    token_logps: jax.Array | None = None
    """Log-probabilities of the targets times their loss weights, float32[B, T]; None if the loss is not their sum. They
    go no further than `training.loss`."""
    row_logps: jax.Array | None = None
    """Sums of `token_logps` over each row, float32[B], in a step that reports them; else None."""


class PairsPerAnswer(NamedTuple):
    """Pairs over those that have an answer, float32[] each; 1 where all pairs have both."""

    chosen: jax.Array
    rejected: jax.Array


class StepContext(NamedTuple):
    """Values that all micro-batches of a step share."""

    pairs_per_token: jax.Array | None = None
    """Pairs over the tokens of their chosen answers, float32[]; None without pairs."""
    pairs_per_answer: PairsPerAnswer | None = None
    """The same over the pairs that have a chosen answer, and a rejected one; None without pairs."""
    key: jax.Array | None = None
    """Key of this micro-batch's random draws; None where nothing is random, as in evaluations."""


class Objective(Protocol):
    """Loss of a micro-batch as sums, and what the loss needs."""

    @property
    def batch_arrays(self) -> tuple[str, ...]:
        """Optional arrays of a batch that it reads."""

    @property
    def documents_per_record(self) -> int:
        """Documents that `prepare` makes of a record: 1 of a text or chat, more of a preference."""

    @property
    def form(self) -> str:
        """Form of the sources that it learns from."""

    @property
    def needs_rng(self) -> bool:
        """Whether the loss is stochastic: it needs a key then."""

    @property
    def reports_held_out_parts(self) -> bool:
        """Whether all of its parts are reported of held-out documents, beside the loss."""

    def step_context(self, batch: Batch[jax.Array]) -> StepContext:
        """Return what the micro-batches of a batch [..., B, T] share; the key is added later."""

    def embedding_noise(self, key: jax.Array, batch: Batch[jax.Array], width: int, dtype: str) -> jax.Array | None:
        """Return noise [B, T, width] to add to the embeddings of a batch [B, T]; None: no noise."""

    def sums(
        self,
        states_btd: jax.Array,
        output_dv: jax.Array,
        batch: Batch[jax.Array],
        cross_entropy: LinearCrossEntropy,
        reference_logps_bt: jax.Array | None,
        context: StepContext,
    ) -> Sums:
        """Return the sums of a micro-batch.

        Args:
            states_btd: final hidden states [B, T, D].
            output_dv: output matrix [D, V].
            batch: rows [B, T].
            cross_entropy: `kernels.cross_entropy.linear_cross_entropy`, or its form for a mesh.
            reference_logps_bt: float32[B, T], log-probabilities of the targets by a reference; None without one.
            context: values that the micro-batches of the step share.
        """

    def counted(self, batch: Batch[jax.Array]) -> jax.Array:
        """Return float32[B, T] whose sum is the weight of a micro-batch: router losses count with it."""
