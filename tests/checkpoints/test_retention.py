"""Retention of the checkpoints of a run."""

import dataclasses
import math
from collections.abc import Collection, Mapping
from pathlib import Path

from tanuki_jax.checkpoints.format import State, finish, step_folder
from tanuki_jax.checkpoints.retention import outdated
from tanuki_jax.config.experiment import Checkpoints
from tanuki_jax.config.model import Model

MODEL = Model(vocabulary=8, width=4, hidden=4, layers=1, heads=1, kv_heads=1)
STATE = State(step=0, tokens=0, skipped=(), model=MODEL, tokenizer="", sequence_length=16, data="", files={})


def write(checkpoints: Path, losses: Mapping[int, float | None]) -> None:
    """Write checkpoints by step, each with its held-out loss, or without one."""
    for step, loss in losses.items():
        held_out = {} if loss is None else {"held_out/all": loss, "held_out/code": 0.0}
        step_folder(checkpoints, step).mkdir(parents=True)
        finish(step_folder(checkpoints, step), dataclasses.replace(STATE, step=step, held_out=held_out))


def staying(checkpoints: Path, settings: Checkpoints, protected: Collection[int] = ()) -> list[int]:
    removed = outdated(checkpoints, settings, best_metric="held_out/all", protected=protected)
    return [int(path.name) for path in sorted(checkpoints.iterdir()) if int(path.name) not in removed]


def test_the_newest_and_the_best_stay(tmp_path: Path) -> None:
    write(tmp_path, {10: 2.5, 20: 2.0, 30: None, 40: 2.2, 50: 2.1, 60: math.nan, 70: None})
    assert staying(tmp_path, Checkpoints(every_steps=10, keep=2)) == [20, 60, 70]
    assert staying(tmp_path, Checkpoints(every_steps=10, keep=2, keep_best=False)) == [60, 70]
    assert staying(tmp_path, Checkpoints(every_steps=10, keep=9)) == [10, 20, 30, 40, 50, 60, 70]


def test_multiples_stay(tmp_path: Path) -> None:
    write(tmp_path, dict.fromkeys((10, 15, 20, 25, 30), None))
    assert staying(tmp_path, Checkpoints(every_steps=5, keep=1, keep_every_steps=20)) == [20, 30]


def test_protected_checkpoints_stay(tmp_path: Path) -> None:
    write(tmp_path, dict.fromkeys((10, 20, 30, 40, 50), None))
    settings = Checkpoints(every_steps=10, keep=1)
    assert staying(tmp_path, settings) == [50]
    assert staying(tmp_path, settings, {20, 35}) == [20, 50]


def test_an_unreadable_checkpoint_is_not_the_best(tmp_path: Path) -> None:
    write(tmp_path, {10: 1.0, 20: 2.0, 30: None})
    (step_folder(tmp_path, 10) / "state.json").write_text("{")
    assert staying(tmp_path, Checkpoints(every_steps=10, keep=1)) == [20, 30]
