"""How suspicious the documents of a spike's steps are: by their losses, and by their shares of the gradient."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tanuki_jax.data.loader import HostBatch, Fragment
from tanuki_jax.training.explain.probe import Floats
from tanuki_jax.training.guard import DEVIATION

ALONE_IN, ALONE_BEFORE = 20, 4
"""Documents whose gradients are computed alone: most of the spike's steps, and of the steps before."""


STANDS_OUT = 1.0
"""Suspicion of a document that alone could be the cause."""
LEAST = 1e-6
"""Nats; no standard deviation is taken to be less."""


class Losses(NamedTuple):
    """Of one piece of a document, in nats."""

    mean: float
    """A token."""
    largest: float
    token: int
    """The token whose loss is the largest."""


@dataclasses.dataclass(frozen=True)
class Document:
    """One piece of a document in a step's batch."""

    step: int
    """From 1."""
    row: int
    begin: int
    """Place of its first token in the row."""
    piece: Fragment
    before: Losses
    """On the weights from before all of the steps that are compared."""
    deviations: float = 0.0
    """How far `before` lies above what is usual for documents of that length, in standard deviations."""
    at_step: Losses | None = None
    """On the weights from before its step."""
    share: float | None = None
    """Norm of its own gradient over that of the whole batch; None if it was not computed."""
    learned: int | None = None
    """How many of its targets are learned; None: all."""

    @property
    def suspicion(self) -> float:
        """Deviations times share; infinite if its loss or its gradient is not finite, 0 without a share."""
        if not np.isfinite(self.before.mean) or (self.share is not None and not np.isfinite(self.share)):
            return np.inf
        return max(self.deviations, 0.0) * (self.share or 0.0)

    def places(self) -> slice:
        """Of its tokens in the row."""
        return slice(self.begin, self.begin + self.piece.length)


def measure(step: int, traced: Sequence[Sequence[Fragment]], batch: HostBatch, losses_nt: Floats) -> list[Document]:
    """The documents of a batch and their losses, row after row.

    Args:
        step: whose batch it is.
        traced: the pieces of every row, in the order in which they lie.
        batch: its N rows [N, T].
        losses_nt: of their tokens.
    """
    measured = []
    for row, pieces in enumerate(traced):
        begins = np.cumsum([0, *(piece.length for piece in pieces)]).tolist()
        for begin, piece in zip(begins, pieces, strict=False):
            places = slice(begin, begin + piece.length)
            learned = int(np.count_nonzero(batch.loss_weights[row, places]))
            measured.append(
                Document(step, row, begin, piece, losses_of(places, row, batch, losses_nt), learned=learned)
            )
    return measured


def losses_of(places: slice, row: int, batch: HostBatch, losses_nt: Floats) -> Losses:
    """Mean and largest loss of the targets that are learned in some places of a row."""
    learned_t = batch.loss_weights[row, places] > 0
    losses_t = losses_nt[row, places][learned_t].astype(np.float64)
    worst = int(np.argmax(np.where(np.isfinite(losses_t), losses_t, np.inf)))
    return Losses(float(losses_t.mean()), float(losses_t[worst]), int(batch.targets[row, places][learned_t][worst]))


def judge(documents: Sequence[Document], first: int) -> list[Document]:
    """The documents with their deviations from what is usual in the steps before `first`, the spike's first; in all where there are none.

    The mean loss of n tokens scatters as 1 / sqrt(n), so what is compared is the distance of the mean from the median of usual documents,
    times sqrt(n). Its standard deviation is estimated from their median absolute deviation.
    """
    means = np.array([document.before.mean for document in documents])
    finite = np.isfinite(means)
    before = finite & np.array([document.step < first for document in documents])
    usual = before if before.any() else finite
    deviations = np.full(len(documents), np.inf)
    if usual.any():
        distances = (means - np.median(means[usual])) * np.sqrt(
            [document.learned or document.piece.length for document in documents]
        )
        spread = max(DEVIATION * np.median(np.abs(distances[usual])), LEAST)
        deviations[finite] = distances[finite] / spread
    return [dataclasses.replace(each, deviations=float(far)) for each, far in zip(documents, deviations, strict=True)]


def most_suspicious(documents: Sequence[Document], first: int) -> list[Document]:
    """The judged documents whose gradients are worth computing; `first` is the spike's first step."""
    by_loss = sorted(documents, key=lambda document: -document.deviations)
    inside = [document for document in by_loss if document.step >= first]
    before = [document for document in by_loss if document.step < first]
    return inside[:ALONE_IN] + before[:ALONE_BEFORE]


def ordered(documents: Sequence[Document]) -> list[Document]:
    """From the most to the least suspicious; of those that are equally so, the latest first."""
    return sorted(documents, key=lambda document: (-document.suspicion, -document.deviations, -document.step))
