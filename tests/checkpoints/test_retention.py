"""Which checkpoints of a run stay."""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path

from tanuki_jax.checkpoints.format import Course, Spike, State, finish, step_folder
from tanuki_jax.checkpoints.retention import outdated
from tanuki_jax.config.experiment import Checkpoints
from tanuki_jax.config.model import Model

MODEL = Model(vocabulary=8, width=4, hidden=4, layers=1, heads=1, kv_heads=1)
STATE = State(step=0, tokens=0, skipped=(), model=MODEL, tokenizer="", sequence_length=16, data="", files={})


def write(checkpoints: Path, losses: Mapping[int, float | None]) -> None:
    """Checkpoints by step, each with its held-out loss, if it has one."""
    for step, loss in losses.items():
        held_out = {} if loss is None else {"held_out/all": loss, "held_out/code": 0.0}
        step_folder(checkpoints, step).mkdir(parents=True)
        finish(step_folder(checkpoints, step), dataclasses.replace(STATE, step=step, held_out=held_out))


def staying(checkpoints: Path, settings: Checkpoints, state: State = STATE) -> list[int]:
    found = outdated(checkpoints, settings, state)
    return [int(path.name) for path in sorted(checkpoints.iterdir()) if int(path.name) not in found]


def test_the_newest_stay_with_the_best(tmp_path: Path) -> None:
    write(tmp_path, {10: 2.5, 20: 2.0, 30: None, 40: 2.2, 50: 2.1, 60: math.nan, 70: None})
    assert staying(tmp_path, Checkpoints(every_steps=10, keep=2)) == [20, 60, 70]
    assert staying(tmp_path, Checkpoints(every_steps=10, keep=2, keep_best=False)) == [60, 70]
    assert staying(tmp_path, Checkpoints(every_steps=10, keep=9)) == [10, 20, 30, 40, 50, 60, 70]


def test_multiples_stay(tmp_path: Path) -> None:
    write(tmp_path, dict.fromkeys((10, 15, 20, 25, 30), None))
    assert staying(tmp_path, Checkpoints(every_steps=5, keep=1, keep_every_steps=20)) == [20, 30]


def test_what_explains_a_spike_stays_and_what_is_from_before_one_that_may_come(tmp_path: Path) -> None:
    write(tmp_path, dict.fromkeys((10, 20, 30, 40, 50), None))
    spike = Spike(first=25, last=29, data_steps=(24,), checkpoint=20, reason="it rose")
    settings = Checkpoints(every_steps=10, keep=1)
    assert staying(tmp_path, settings, dataclasses.replace(STATE, spikes=(spike,))) == [20, 50]
    assert staying(tmp_path, settings, dataclasses.replace(STATE, course=Course(raised_from=41))) == [40, 50]
    assert staying(tmp_path, settings, dataclasses.replace(STATE, course=Course(rejected=(40, 44)))) == [30, 50]


def test_one_that_cannot_be_read_is_not_the_best(tmp_path: Path) -> None:
    write(tmp_path, {10: 1.0, 20: 2.0, 30: None})
    (step_folder(tmp_path, 10) / "state.json").write_text("{")
    assert staying(tmp_path, Checkpoints(every_steps=10, keep=1)) == [20, 30]
