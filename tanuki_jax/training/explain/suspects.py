"""Suspicion of the documents of a spike's steps, by their losses and their shares of the gradient."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tanuki_jax.data.loader import Fragment, HostBatch
from tanuki_jax.training.explain.probe import Floats
from tanuki_jax.training.guard import DEVIATION

ALONE_IN, ALONE_BEFORE = 20, 4
"""Largest number of documents whose own gradients are computed: in the spike's steps, and in the steps before."""

STANDS_OUT = 1.0
"""Suspicion of a document that alone could be the cause."""
LEAST = 1e-6
"""Smallest standard deviation that is assumed, in nats."""


class Losses(NamedTuple):
    """Losses of one fragment of a document, in nats."""

    mean: float
    """Mean over the tokens."""
    largest: float
    token: int
    """Token whose loss is the largest."""


@dataclasses.dataclass(frozen=True)
class Document:
    """Fragment of a document in a step's batch."""

    step: int
    """Number of the step, from 1."""
    row: int
    begin: int
    """Position of its first token in the row."""
    fragment: Fragment
    before: Losses
    """Losses on the weights before all compared steps."""
    deviations: float = 0.0
    """Distance of `before` above the usual loss of documents of that length, in standard deviations."""
    at_step: Losses | None = None
    """Losses on the weights before its step."""
    share: float | None = None
    """Norm of its own gradient over that of the full batch; None if it was not computed."""
    learned: int | None = None
    """Number of its targets that are learned; None: all."""

    @property
    def suspicion(self) -> float:
        """Return deviations times share; infinite if its loss or its gradient is not finite, 0 without a share."""
        if not np.isfinite(self.before.mean) or (self.share is not None and not np.isfinite(self.share)):
            return np.inf
        return max(self.deviations, 0.0) * (self.share or 0.0)

    def positions(self) -> slice:
        """Return the positions of its tokens in the row."""
        return slice(self.begin, self.begin + self.fragment.length)


def measure(step: int, traced: Sequence[Sequence[Fragment]], batch: HostBatch, losses_nt: Floats) -> list[Document]:
    """Return the documents of a batch with their losses, row after row.

    Args:
        step: number of the step that reads the batch.
        traced: fragments of every row, in order.
        batch: its N rows [N, T].
        losses_nt: losses of their tokens.
    """
    measured = []
    for row, fragments in enumerate(traced):
        begins = np.cumsum([0, *(fragment.length for fragment in fragments)]).tolist()
        for begin, fragment in zip(begins, fragments, strict=False):
            positions = slice(begin, begin + fragment.length)
            learned = int(np.count_nonzero(batch.loss_weights[row, positions]))
            measured.append(
                Document(step, row, begin, fragment, losses_of(positions, row, batch, losses_nt), learned=learned)
            )
    return measured


def losses_of(positions: slice, row: int, batch: HostBatch, losses_nt: Floats) -> Losses:
    """Return mean and largest loss of the learned targets at some positions of a row."""
    learned_t = batch.loss_weights[row, positions] > 0
    losses_t = losses_nt[row, positions][learned_t].astype(np.float64)
    worst = int(np.argmax(np.where(np.isfinite(losses_t), losses_t, np.inf)))
    return Losses(float(losses_t.mean()), float(losses_t[worst]), int(batch.targets[row, positions][learned_t][worst]))


def judge(documents: Sequence[Document], first: int) -> list[Document]:
    """Return the documents with the deviations of their losses from usual ones.

    Usual are the documents of steps before `first`, the spike's first; without such steps, all documents. The mean loss
    of n tokens scatters as 1 / sqrt(n), so the distance of a mean from the median of the usual documents is multiplied
    by sqrt(n). The standard deviation of that is estimated from the median absolute deviation.
    """
    means = np.array([document.before.mean for document in documents])
    finite = np.isfinite(means)
    before = finite & np.array([document.step < first for document in documents])
    usual = before if before.any() else finite
    deviations = np.full(len(documents), np.inf)
    if usual.any():
        distances = (means - np.median(means[usual])) * np.sqrt(
            [document.learned or document.fragment.length for document in documents]
        )
        deviation = max(DEVIATION * np.median(np.abs(distances[usual])), LEAST)
        deviations[finite] = distances[finite] / deviation
    return [dataclasses.replace(each, deviations=float(far)) for each, far in zip(documents, deviations, strict=True)]


def most_suspicious(documents: Sequence[Document], first: int) -> list[Document]:
    """Return the judged documents whose gradients are to be computed; `first` is the spike's first step."""
    by_loss = sorted(documents, key=lambda document: -document.deviations)
    inside = [document for document in by_loss if document.step >= first]
    before = [document for document in by_loss if document.step < first]
    return inside[:ALONE_IN] + before[:ALONE_BEFORE]


def ordered(documents: Sequence[Document]) -> list[Document]:
    """Return documents from the most to the least suspicious; of equally suspicious ones the latest first."""
    return sorted(documents, key=lambda document: (-document.suspicion, -document.deviations, -document.step))
