"""Metrics of steps as lines: one step late, with the tokens so far."""

import dataclasses
import math
from typing import Any

import jax.numpy as jnp
import pytest

from tanuki_jax.checkpoints.format import State
from tanuki_jax.config.experiment import Logging
from tanuki_jax.config.registry import experiment
from tanuki_jax.training.recorder import Recorder, StepMetrics

TINY = experiment.find("tiny")
BEGUN = State(step=0, tokens=0, skipped=(), model=TINY.model, tokenizer="", sequence_length=64, data="", files={})


def read(data_step: int) -> dict[str, float]:
    """Return how often a source was read before a data step."""
    return {"web": data_step / 3}


def row_sources(data_step: int) -> list[str]:
    """Return the source of each row of a batch."""
    return ["web", "code", "web"] if data_step % 2 else ["code", "code", "web"]


def test_a_step_is_logged_when_the_next_is_dispatched_or_at_a_flush() -> None:
    lines: list[dict[str, Any]] = []
    observed: list[StepMetrics] = []
    recorder = Recorder(TINY, dataclasses.replace(BEGUN, tokens=100), read, row_sources, lines.append, observed.append)
    for step in (1, 2):
        recorder.push(
            step,
            step + 9,
            {"loss": jnp.float32(step / 2), "tokens": jnp.float32(50), "updates": jnp.int32(1)},
            waited=0.0,
        )
    assert [(line["step"], line["data_step"], line["loss"], line["tokens"]) for line in lines] == [(1, 10, 0.5, 150)]
    assert lines[0]["epochs/web"] == 3.6667
    recorder.flush()
    recorder.flush()
    assert [line["step"] for line in lines] == [1, 2]
    assert recorder.tokens == lines[-1]["tokens"] == 200
    assert [(line["rejected"], line["rewinds"]) for line in lines] == [(0, 0), (1, 0)]
    assert [(metrics.step, metrics.data_step, metrics.values["loss"]) for metrics in observed] == [
        (1, 10, 0.5),
        (2, 11, 1.0),
    ]
    assert lines[-1]["tokens_per_second"] == pytest.approx(8 * lines[-1]["tokens_per_second_per_device"], rel=0.01)


def test_lines_of_every_third_step_count_all_tokens() -> None:
    lines: list[dict[str, Any]] = []
    observed: list[StepMetrics] = []
    every_third = dataclasses.replace(TINY, logging=Logging(every_steps=3))
    recorder = Recorder(every_third, BEGUN, read, row_sources, lines.append, observed.append)
    for step in range(1, 8):
        recorder.push(step, step, {"tokens": jnp.float32(10), "updates": jnp.int32(step)}, waited=1e9)
    recorder.flush()
    assert [(line["step"], line["tokens"], line["data_wait_share"]) for line in lines] == [(3, 30, 1.0), (6, 60, 1.0)]
    assert [metrics.step for metrics in observed] == [1, 2, 3, 4, 5, 6, 7]


def test_a_line_is_the_mean_of_its_steps() -> None:
    lines: list[dict[str, Any]] = []
    every_third = dataclasses.replace(TINY, logging=Logging(every_steps=3))
    recorder = Recorder(every_third, BEGUN, read, row_sources, lines.append, lambda _: None)
    for step, loss in enumerate((4.0, float("nan"), 2.0, 1.0, 1.0, 4.0), 1):
        metrics = {
            "loss": jnp.float32(loss),
            "learning_rate": jnp.float32(step / 8),
            "router_entropy": jnp.array([loss, 1.0]),
            "tokens": jnp.float32(10),
            "updates": jnp.int32(step),
        }
        recorder.push(step, step, metrics, waited=0.0)
    recorder.flush()
    assert [(line["step"], line["loss"], line["learning_rate"]) for line in lines] == [(3, 3.0, 0.375), (6, 2.0, 0.75)]
    assert lines[0]["router_entropy"] == [3.0, 1.0]


def test_losses_of_sources_are_means_over_their_tokens() -> None:
    lines: list[dict[str, Any]] = []
    every_second = dataclasses.replace(TINY, logging=Logging(every_steps=2))
    recorder = Recorder(every_second, BEGUN, read, row_sources, lines.append, lambda _: None)
    rows = {1: ([40.0, 9.0, 3.0], [20, 3, 1]), 2: ([6.0, 1.0, 8.0], [2, 2, 4]), 3: ([math.nan, 5.0, 4.0], [4, 2, 0])}
    for step in (1, 2, 3, 4):
        losses, weights = rows[min(step, 3)]
        metrics = {
            "tokens": jnp.float32(10),
            "updates": jnp.int32(step),
            "row_losses": jnp.array(losses),
            "row_weights": jnp.array(weights, jnp.float32),
        }
        recorder.push(step, step if step < 4 else 3, metrics, waited=0.0)
    recorder.flush()
    shown = [{name: value for name, value in line.items() if name.startswith(("loss", "row"))} for line in lines]
    assert shown[0] == {"loss/code": (9 + 6 + 1) / (3 + 2 + 2), "loss/web": (40 + 3 + 8) / (20 + 1 + 4)}
    assert shown[1] == {"loss/code": 10 / 4}  # the only rows of web are not finite, or have no token


def test_values_of_layers_are_rounded_and_logged_as_lists() -> None:
    lines: list[dict[str, Any]] = []
    recorder = Recorder(experiment.find("tiny_moe"), BEGUN, read, row_sources, lines.append, lambda _: None)
    recorder.push(
        1,
        0,
        {
            "tokens": jnp.float32(10),
            "updates": jnp.int32(1),
            "expert_load": jnp.array([[0.12347, 0.87653], [0.5, 0.5]]),
        },
        waited=0.0,
    )
    recorder.flush()
    assert lines[0]["expert_load"] == [[0.1235, 0.8765], [0.5, 0.5]]
