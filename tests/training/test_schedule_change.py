"""Sentence about a learning rate that will not be what it would have been."""

import dataclasses
from typing import Any

from tanuki_jax.config.experiment import Experiment, Schedule
from tanuki_jax.config.registry import experiment
from tanuki_jax.training.schedule_change import schedule_change


def of(steps: int, **schedule: Any) -> Experiment:
    tiny = experiment.find("tiny")
    return dataclasses.replace(tiny, steps=steps, schedule=Schedule(**{"peak": 1e-3, "warmup_steps": 5} | schedule))


def test_more_steps_stretch_the_decay_unless_its_end_is_stated() -> None:
    said = schedule_change(of(40), of(100), 40, 40)
    assert said == (
        "the learning rate after step 40 changes from 0 to 0.000686: the decay ends at step 100 instead of 40; "
        "--schedule.end-step=40 keeps it"
    )
    assert schedule_change(of(40), of(100, end_step=40), 40, 40) == ""
    assert schedule_change(of(40, end_step=60), of(100, end_step=60), 40, 40) == ""


def test_another_peak_is_said_too() -> None:
    said = schedule_change(of(40), of(40, peak=2e-3), 10, 10)
    assert said == (
        "the learning rate after step 10 changes from 0.000929 to 0.00186: schedule.peak is 0.002 instead of 0.001"
    )


def test_a_decay_that_changes_later_is_said_where_the_run_goes_on() -> None:
    """On a plateau, the rate is the same for now."""
    plateau: dict[str, Any] = {"stable_steps": 30, "shape": "linear"}
    said = schedule_change(of(45, **plateau), of(90, **plateau), 20, 20)
    assert said == (
        "the learning rate will be another after step 35: the decay ends at step 90 instead of 45; "
        "--schedule.end-step=45 keeps it"
    )
    assert schedule_change(of(45, **plateau), of(90, **plateau | {"end_step": 45}), 20, 20) == ""


def test_a_new_decay_is_said_with_each_field_and_without_a_remedy() -> None:
    """The former end alone would not bring the former schedule back."""
    before = of(1000, stable_steps=900, shape="linear")
    now = of(60, stable_steps=15, shape="linear", end_step=60)
    assert schedule_change(before, now, 20, 20) == (
        "the learning rate after step 20 changes from 0.001 to 0.000975: the decay ends at step 60 instead of 1000, "
        "schedule.stable_steps is 15 instead of 900"
    )


def test_rejected_steps_do_not_count() -> None:
    """With four accepted steps, the next update is the last of the warm-up."""
    assert "after step 20 changes from 0.001 to 0.002" in schedule_change(of(40), of(40, peak=2e-3), 20, 4)


def test_what_lies_behind_the_last_step_is_not_said() -> None:
    assert schedule_change(of(40, stable_steps=30), of(30, stable_steps=30), 20, 20) == ""
