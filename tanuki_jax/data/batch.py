"""Rows of T tokens, with several documents in each, that a training step reads."""

from typing import NamedTuple

SIDES = ("chosen", "rejected", "another prompt's answer")
"""Names of the documents of a preference, in their order in the store; `Batch.sides` numbers them from 1."""


class Batch[Array](NamedTuple):
    """Rows of packed documents, NumPy arrays on the host or arrays of the accelerator, all of one shape [..., B, T].

    A token may attend only to tokens of its own segment. Padding has segment 0 and loss weight 0.
    """

    tokens: Array
    """int32, inputs."""
    targets: Array
    """int32, token after each input in its document."""
    loss_weights: Array
    """float32, weight of each target in the loss."""
    segment_ids: Array
    """int32, number of the document in its row, from 1; 0 for padding."""
    positions: Array
    """int32, position within the segment, from 0."""
    pair_ids: Array | None = None
    """int32, only for preferences: number of the pair in its row, from 1; 0 for padding."""
    sides: Array | None = None
    """int32, only for preferences: 1 in the document of the chosen answer, 2 in that of the rejected one, 3 in that of
    another prompt's answer; 0 for padding."""
    reference_logps: Array | None = None
    """float32, only for preferences with a stored reference: at the first token of a document the reference's
    log-probability of all its targets that count, elsewhere 0."""
