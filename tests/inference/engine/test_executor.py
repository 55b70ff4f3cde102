"""Sizes of batches: on this device a row has the same bits in all of them."""

import logging
from collections.abc import Sequence

import numpy as np
import pytest

from tanuki_jax.inference.engine.executor import Executor, sizes_of_equal_bits
from tanuki_jax.inference.engine.programs import Row
from tanuki_jax.inference.load_model import LoadedModel

pytestmark = pytest.mark.thorough


def test_every_power_of_two_gives_equal_bits_here(loaded: LoadedModel) -> None:
    assert Executor(loaded, rows=3, pages=33, page=16, ready=True).sizes == [1, 2, 4]


def row(number: int) -> Row:
    return Row(number, 0, 1, 0, 0, 0, 0.0, 1.0, 0.0, np.zeros(1, np.int32))


def test_a_size_with_other_bits_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    def bits(rows: Sequence[Row]) -> list[bytes]:
        return [bytes([each.token, len(rows) == 2]) for each in rows]

    with caplog.at_level(logging.WARNING):
        assert sizes_of_equal_bits([row(number) for number in range(8)], bits) == [1, 4, 8]
    assert not caplog.records


def test_a_device_that_looks_at_the_order_of_rows_is_named(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        sizes_of_equal_bits([row(number) for number in range(4)], lambda rows: [b"%d" % n for n in range(len(rows))])
    assert "may depend on what else is being answered" in caplog.text
