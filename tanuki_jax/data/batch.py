"""What a step reads: rows of T tokens, several documents in each."""

from typing import NamedTuple

SIDES = ("chosen", "rejected", "another prompt's answer")
"""What the documents of a preference are, in the order in which they follow each other."""


class Batch[Array](NamedTuple):
    """Rows of packed documents, as NumPy arrays on the host or as arrays of the accelerator; all have one shape [..., B, T].

    A token may attend only to tokens of its own segment. Padding has segment 0 and loss weight 0.
    """

    tokens: Array
    """int32, the inputs."""
    targets: Array
    """int32, the token that follows each input in its document."""
    loss_weights: Array
    """float32, the weight of each target in the loss."""
    segment_ids: Array
    """int32, 0 for padding; the documents of a row are numbered from 1."""
    positions: Array
    """int32, place within the segment, from 0."""
    pair_ids: Array | None = None
    """int32, of preferences only: the pairs of a row are numbered from 1; 0 for padding."""
    sides: Array | None = None
    """int32, of preferences only: 1 in the chosen answer's document, 2 in the rejected one's, 3 in one whose answer is another prompt's;
    0 for padding."""
    reference_logps: Array | None = None
    """float32, of preferences with a stored reference only: at the first token of a document the reference's log-probability of all its
    targets that count, elsewhere 0."""
