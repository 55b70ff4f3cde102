"""Sizes of batches: on this device a row has the same bits in all of them."""

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import pytest

from tanuki_jax.inference.engine.executor import Executor, sizes_of_equal_bits
from tanuki_jax.inference.engine.job import Job
from tanuki_jax.inference.engine.programs import Row
from tanuki_jax.inference.load_model import LoadedModel
from tests.inference.engine.conftest import make_engine, run

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


def test_no_program_is_compiled_after_an_engine_is_ready(loaded: LoadedModel) -> None:
    engine, counted = make_engine(loaded, reuse=False), list[str]()
    jax.monitoring.register_event_duration_secs_listener(lambda event, *_, **__: counted.append(event))
    plain = Job(prompt=(30, 31), tokens=3)
    kinds: list[dict[str, Any]] = [
        {},
        {"repetition_penalty": 1.5},
        {"logprobs": True},
        {"bias": {5: 1.0}, "presence_penalty": 1.0},
    ]
    run(engine, *(dataclasses.replace(plain, **kind) for kind in kinds))
    run(engine, dataclasses.replace(plain, repetition_penalty=1.5))
    jax.monitoring.clear_event_listeners()
    assert not [event for event in counted if "backend_compile" in event]
