import dataclasses
import math

import numpy as np
import pytest

from tanuki_jax.data.batch import Batch
from tanuki_jax.data.loader import Piece
from tanuki_jax.training.explain.suspects import (
    ALONE_BEFORE,
    ALONE_IN,
    Document,
    Losses,
    judge,
    measure,
    most_suspicious,
    ordered,
)


def document(
    mean: float, *, length: int = 4, step: int = 5, share: float | None = None, deviations: float = 0.0
) -> Document:
    return Document(step, 0, 0, Piece("some", 0, 0, 0, length), Losses(mean, mean, 0), deviations, share=share)


def test_losses_are_those_at_the_positions_of_each_document() -> None:
    losses_nt = np.array([[1.0, 2.0, 6.0, 4.0, 0.0], [5.0, np.nan, 7.0, 0.0, 0.0]])
    targets = np.arange(10, dtype=np.int32).reshape(2, 5)
    batch = Batch(targets, targets, np.ones((2, 5), np.float32), targets, targets)
    traced = [[Piece("a", 0, 0, 0, 3), Piece("a", 0, 1, 0, 1)], [Piece("b", 0, 2, 0, 3)]]
    first, second, third = measure(7, traced, batch, losses_nt)
    assert (first.step, first.row, first.positions(), first.before) == (7, 0, slice(0, 3), Losses(3.0, 6.0, 2))
    assert (second.positions(), second.before) == (slice(3, 4), Losses(4.0, 4.0, 3))
    assert (third.row, third.before.token) == (1, 6) and math.isnan(third.before.mean)


def test_only_learned_targets_count() -> None:
    losses_nt, targets = np.array([[9.0, 2.0, 0.0, 4.0, 1.0]]), np.arange(5, dtype=np.int32)[None]
    batch = Batch(targets, targets, np.array([[0, 1, 0, 1, 1]], np.float32), targets, targets)
    first, second = measure(7, [[Piece("a", 0, 0, 0, 4), Piece("a", 0, 1, 0, 1)]], batch, losses_nt)
    assert (first.before, first.learned) == (Losses(3.0, 4.0, 3), 2) and (second.before, second.learned) == (
        Losses(1.0, 1.0, 4),
        1,
    )
    long, short = (dataclasses.replace(document(5.0, length=16), learned=learned) for learned in (16, 4))
    others = [document(mean) for mean in (1.0, 2.0, 3.0)]
    far, near = [each.deviations for each in judge([*others, long, short], first=0)][3:]
    assert far == pytest.approx(2 * near) and near > 0


def test_a_long_document_deviates_more_than_a_short_one() -> None:
    """Median 2; distances times sqrt(4) are -2, 0, 2, 6, of the long one 3 sqrt(16); median absolute value 2."""
    means, lengths = [1.0, 2.0, 3.0, 5.0, 2.0, 5.0, 1.0], [4, 4, 4, 4, 4, 16, 4]
    judged = judge([document(mean, length=length) for mean, length in zip(means, lengths, strict=True)], first=0)
    spread = 1.4826 * 2
    np.testing.assert_allclose([each.deviations for each in judged], np.array([-2, 0, 2, 6, 0, 12, -2]) / spread)


def test_usual_is_what_came_before_the_spike_despite_bad_documents() -> None:
    before, inside = [document(mean, step=4) for mean in (1.0, 2.0, 3.0)], [document(9.0, step=5) for _ in range(30)]
    judged = judge([*before, *inside], first=5)
    np.testing.assert_allclose([each.deviations for each in judged], np.array([-1, 0, 1, *[7] * 30]) / 1.4826)


@pytest.mark.filterwarnings("error")
def test_a_loss_that_is_not_finite_is_the_most_suspicious() -> None:
    judged = judge([document(math.nan), document(2.0), document(2.5), document(1.5)], first=0)
    assert judged[0].deviations == math.inf and all(math.isfinite(each.deviations) for each in judged[1:])
    assert ordered([*judged[1:], judged[0]])[0] is judged[0]
    assert document(2.0, share=math.inf).suspicion == math.inf
    assert [each.deviations for each in judge([document(math.nan), document(math.inf)], first=0)] == [
        math.inf,
        math.inf,
    ]


def test_suspicion_is_deviations_times_share() -> None:
    usual, large, odd, alone = (
        document(2.0, deviations=-1.0, share=0.9),
        document(2.0, deviations=2.0, share=0.5),
        document(2.0, deviations=9.0, share=0.2),
        document(2.0, deviations=1.0),
    )
    assert [each.suspicion for each in (usual, large, odd, alone)] == [0, 1, 1.8, 0]
    assert ordered([usual, alone, large, odd]) == [odd, large, alone, usual]


def test_gradients_are_computed_where_losses_deviate_the_most() -> None:
    inside = [document(2.0, step=5 + n % 3, deviations=n) for n in range(ALONE_IN + 5)]
    before = [document(2.0, step=4, deviations=100 + n) for n in range(ALONE_BEFORE + 5)]
    chosen = most_suspicious([*inside, *before], first=5)
    assert {each.deviations for each in chosen if each.step >= 5} == set(range(5, ALONE_IN + 5))
    assert {each.deviations for each in chosen if each.step < 5} == set(range(105, 105 + ALONE_BEFORE))
