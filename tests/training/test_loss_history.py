"""The history of a run in the state of its checkpoints."""

import dataclasses

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import State
from tanuki_jax.checkpoints.old_versions import upgraded
from tanuki_jax.config.model import Model
from tanuki_jax.config.serialize import from_json
from tanuki_jax.training.loss_history import (
    LossHistory,
    RunHistory,
    Spike,
    protected_steps,
    read_history,
    with_history,
)
from tests.checkpoints.test_old_versions import VERSION_1

MODEL = Model(vocabulary=8, width=4, hidden=4, layers=1, heads=1, kv_heads=1)
STATE = State.converted(MODEL, 16)
SPIKE = Spike(first=25, last=26, data_steps=(24, 25), checkpoint=20, reason="it rose")


def test_a_history_survives_the_state_bit_for_bit() -> None:
    losses = LossHistory(losses=(0.1, 1e-07), rejected=(5,), smoothed=1 / 3, mean_abs_deviation=2.0, raised_since=4)
    history = RunHistory(loss_history=losses, spikes=(SPIKE,), slow_until=7)
    assert read_history(with_history(STATE, history)) == history
    assert read_history(STATE) == RunHistory()


def test_the_history_of_version_1_is_read() -> None:
    state = from_json(upgraded(VERSION_1.read_text("utf-8"), "state.json"), State)
    history = read_history(state)
    assert (history.slow_until, history.spikes[0].data_steps) == (50, (24, 25))
    assert (history.loss_history.calm_steps, history.loss_history.raised_since) == (11, 39)
    assert history.loss_history.mean_abs_deviation == 0.0625


def test_a_history_with_an_unknown_field_is_refused() -> None:
    with pytest.raises(InputError, match="the history of the checkpoint of step 0 has the field fast_until"):
        read_history(dataclasses.replace(STATE, history={"fast_until": 3}))


@pytest.mark.parametrize(
    ("history", "protected"),
    [
        (RunHistory(), set()),
        (RunHistory(spikes=(SPIKE,)), {20}),
        (RunHistory(loss_history=LossHistory(raised_since=41)), {40}),
        (RunHistory(loss_history=LossHistory(rejected=(40, 44))), {30}),
        (RunHistory(loss_history=LossHistory(rejected=(10,))), set()),
    ],
)
def test_checkpoints_of_spikes_and_before_suspect_steps_are_protected(history: RunHistory, protected: set[int]) -> None:
    assert protected_steps(with_history(STATE, history), [10, 20, 30, 40, 50]) == protected
