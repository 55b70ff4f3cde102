"""Made-up pairs of answers with made-up logits, packed into rows in any way, or each document in a row of its own."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tanuki_jax.data.batch import Batch

VOCABULARY = 11


@dataclasses.dataclass(frozen=True)
class Answer:
    """A document: its logits, targets, which of them count, and the reference's log-probability of those."""

    logits_tv: npt.NDArray[np.float32]
    targets_t: npt.NDArray[np.int32]
    learned_t: npt.NDArray[np.float32]
    reference_logp: float

    @property
    def length(self) -> int:
        return len(self.targets_t)


type Pair = tuple[Answer, ...]


def pairs(count: int, sides: int = 2, seed: int = 0) -> list[Pair]:
    """Pairs of `sides` answers, of 4 to 9 tokens each, the first of which, the prompt's, do not count.

    The reference finds the third side, of which there may be one, much less probable than the logits do.
    """
    random = np.random.default_rng(seed)

    def answer(side: int) -> Answer:
        length = int(random.integers(4, 10))
        logits = 2 * random.standard_normal((length, VOCABULARY)).astype(np.float32)
        learned = (np.arange(length) >= random.integers(1, 3)).astype(np.float32)
        return Answer(
            logits,
            random.integers(0, VOCABULARY, length, np.int32),
            learned,
            float(-(3 if side < 2 else 30) * random.random() * learned.sum()),
        )

    return [tuple(map(answer, range(sides))) for _ in range(count)]


def rated(given: Sequence[Pair]) -> list[Pair]:
    """Pairs without their rejected answer, and every other one without its chosen answer instead."""
    absent = Answer(np.zeros((0, VOCABULARY), np.float32), np.zeros(0, np.int32), np.zeros(0, np.float32), 0.0)
    return [
        (absent, rejected, other) if number % 2 else (chosen, absent, other)
        for number, (chosen, rejected, other) in enumerate(given)
    ]


def packed(rows: Sequence[Sequence[Pair]], time: int) -> tuple[npt.NDArray[np.float32], Batch[npt.NDArray[np.generic]]]:
    """Logits [B, T, V] and the batch [B, T] of rows that hold those pairs, the answers of each next to each other."""
    logits = np.zeros((len(rows), time, VOCABULARY), np.float32)
    tokens, targets, segment_ids, positions, pair_ids, sides = np.zeros((6, len(rows), time), np.int32)
    weights, reference = np.zeros((2, len(rows), time), np.float32)
    for row, of_row in enumerate(rows):
        start = segment = 0
        for number, pair in enumerate(of_row, 1):
            for side, answer in enumerate(pair, 1):
                segment += 1
                part = slice(start, start + answer.length)
                logits[row, part], targets[row, part], weights[row, part] = (
                    answer.logits_tv,
                    answer.targets_t,
                    answer.learned_t,
                )
                segment_ids[row, part], pair_ids[row, part], sides[row, part] = segment, number, side
                positions[row, part] = np.arange(answer.length)
                reference[row, part] = answer.reference_logp * (positions[row, part] == 0)
                start += answer.length
    return logits, Batch(tokens, targets, weights, segment_ids, positions, pair_ids, sides, reference)
