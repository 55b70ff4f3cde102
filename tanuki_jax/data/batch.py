"""What a step reads: rows of T tokens, several documents in each."""

from typing import NamedTuple


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
