"""The rows that are accepted by backends that know their order only by index."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest

from tanuki_jax.lm.kernels.attention.operands import Operands
from tanuki_jax.lm.kernels.attention.row_checks import self_attending
from tests.lm.kernels.leak import rows

Rows = npt.NDArray[np.int32]


def accepted(q_segment_ids: Rows, kv_segment_ids: Rows, q_positions: Rows, kv_positions: Rows) -> list[bool]:
    q = jnp.zeros((*q_segment_ids.shape, 1, 8))
    arrays = (jnp.asarray(x) for x in (q_segment_ids, kv_segment_ids, q_positions, kv_positions))
    return self_attending("some", Operands(q, q, q, *arrays)).tolist()


def test_packed_rows_are_accepted_whatever_the_first_position_is() -> None:
    segment_ids, positions = rows([[3, 1, 4], [10], []], 10)
    assert accepted(segment_ids, segment_ids, positions, positions) == [True, True, True]
    assert accepted(2 * segment_ids, 2 * segment_ids, positions + 7, positions + 7) == [True, True, True]


def descending(q_segment_ids: Rows, kv_segment_ids: Rows, q_positions: Rows, kv_positions: Rows) -> None:
    for ids in (q_segment_ids, kv_segment_ids):
        ids[0, :3] = 3


def padded_first(q_segment_ids: Rows, kv_segment_ids: Rows, q_positions: Rows, kv_positions: Rows) -> None:
    q_segment_ids[0, 0] = kv_segment_ids[0, 0] = 0


def gap(q_segment_ids: Rows, kv_segment_ids: Rows, q_positions: Rows, kv_positions: Rows) -> None:
    for positions in (q_positions, kv_positions):
        positions[0, 6:8] += 1


def other_keys(q_segment_ids: Rows, kv_segment_ids: Rows, q_positions: Rows, kv_positions: Rows) -> None:
    kv_positions[0] += 8


def other_documents(q_segment_ids: Rows, kv_segment_ids: Rows, q_positions: Rows, kv_positions: Rows) -> None:
    kv_segment_ids[0, 7] = 3


@pytest.mark.parametrize("change", [descending, padded_first, gap, other_keys, other_documents])
def test_a_row_in_another_order_is_not_accepted(change: Callable[[Rows, Rows, Rows, Rows], None]) -> None:
    segment_ids, positions = rows([[3, 5], [2, 6]], 10)
    arrays = [segment_ids.copy(), segment_ids.copy(), positions.copy(), positions.copy()]
    change(*arrays)
    assert accepted(*arrays) == [False, True]
