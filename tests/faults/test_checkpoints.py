"""Damaged checkpoints."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tanuki_jax.checkpoints.format import STATE, newest_good, step_folder, steps
from tests.faults.conftest import Record
from tests.faults.runs import Runs

pytestmark = pytest.mark.faults

TIMES, RESUMES = 200, 8


def a_file(checkpoint: Path, chance: random.Random) -> Path:
    return chance.choice([path for path in sorted(checkpoint.rglob("*")) if path.is_file() and path.stat().st_size])


def truncated(checkpoint: Path, chance: random.Random) -> None:
    path = a_file(checkpoint, chance)
    path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size)])


def bit_flipped(checkpoint: Path, chance: random.Random) -> None:
    path = a_file(checkpoint, chance)
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def file_missing(checkpoint: Path, chance: random.Random) -> None:
    a_file(checkpoint / chance.choice(("base", "optimizer")), chance).unlink()


def metadata_wrong(checkpoint: Path, chance: random.Random) -> None:
    """Remove a field of state.json, or change its type, or change the step."""
    path = checkpoint / STATE
    state = json.loads(path.read_text())
    name = chance.choice(sorted(state.keys() - {"held_out", "spikes"}))
    damage = chance.choice(("missing", "type", "step"))
    if damage == "missing":
        del state[name]
    else:
        state |= {name: [[]]} if damage == "type" else {"step": state["step"] + 1}
    path.write_text(json.dumps(state))


DAMAGES: tuple[Callable[[Path, random.Random], None], ...] = (truncated, bit_flipped, file_missing, metadata_wrong)


def test_a_damaged_checkpoint_is_never_used(runs: Runs, record: Record, tmp_path: Path) -> None:
    """Damage checkpoints in every way, look which one is chosen, and resume runs after some of the damages."""
    undisturbed = runs.finish("saved", "--steps", "24", "--schedule.end-step", "60", "--checkpoints.every-steps", "8")
    saved = runs.folder("saved") / "checkpoints"
    before, newest = (step_folder(saved, step) for step in steps(saved)[-2:])
    chance = random.Random(4)
    for time in range(TIMES):
        folder = tmp_path / str(time)
        for checkpoint in (before, newest):
            shutil.copytree(checkpoint, folder / checkpoint.name)
        DAMAGES[time % len(DAMAGES)](folder / newest.name, chance)
        chosen, damaged = newest_good(folder)
        assert chosen == folder / before.name, (time, chosen)
        assert set(damaged) == {folder / newest.name} and "\n" not in damaged[folder / newest.name]
        shutil.rmtree(folder)
    for time in range(RESUMES):
        shutil.copytree(runs.folder("saved"), runs.folder(f"saved{time}"))
        DAMAGES[time % len(DAMAGES)](runs.folder(f"saved{time}") / "checkpoints" / newest.name, chance)
        options = ("--steps", "24", "--schedule.end-step", "60", "--checkpoints.every-steps", "8")
        assert runs.finish(f"saved{time}", *options) == undisturbed
        events = {event["event"]: event for event in runs.workspace.events(f"saved{time}")}
        assert events["checkpoint_damaged"]["reason"] and events["resumed"]["step"] == 16
    record(
        f"checkpoint truncated, bit flipped, file missing, metadata wrong; {RESUMES} in complete runs",
        TIMES,
        "named, the previous one used",
    )
