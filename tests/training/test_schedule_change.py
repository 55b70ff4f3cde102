"""Sentence about a learning rate that will not be what it would have been."""

import dataclasses
from typing import Any

from tanuki_jax.config.experiment import Experiment, Schedule
from tanuki_jax.config.registry import experiment
from tanuki_jax.training.schedule_change import schedule_change


def of(steps: int, **schedule: Any) -> Experiment:
    tiny = experiment.find("tiny")
    return dataclasses.replace(tiny, steps=steps, schedule=Schedule(peak=1e-3, warmup_steps=5, **schedule))


def test_more_steps_stretch_the_decay_unless_its_end_is_stated() -> None:
    said = schedule_change(of(40), of(100), 40)
    assert said == (
        "the learning rate after step 40 changes from 0 to 0.000686: the decay ends at step 100 instead of 40; "
        "--schedule.end-step=40 keeps it"
    )
    assert schedule_change(of(40), of(100, end_step=40), 40) == ""
    assert schedule_change(of(40, end_step=60), of(100, end_step=60), 40) == ""


def test_another_peak_is_said_too() -> None:
    before = of(40)
    now = dataclasses.replace(before, schedule=dataclasses.replace(before.schedule, peak=2e-3))
    assert schedule_change(before, now, 10).startswith("the learning rate after step 10 changes from 0.000")
    assert "end-step" not in schedule_change(before, now, 10)
