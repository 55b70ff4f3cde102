"""What a run wrote down about a spike: what it cut from its metrics when it went back, and what happened around it."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints import format as folder
from tanuki_jax.checkpoints.format import State
from tanuki_jax.config.serialize import from_json
from tanuki_jax.training.loss_history import Spike
from tanuki_jax.training.runs.run_folder import read_events, read_metrics

type Line = dict[str, Any]
"""Of metrics.jsonl or events.jsonl."""


@dataclasses.dataclass(frozen=True)
class Told:
    """A spike, and the run's own words about it."""

    run: Path
    number: int
    """Of the spike, from 1."""
    spike: Spike
    checkpoint: Path
    state: State
    """Of that checkpoint."""
    skipped: tuple[int, ...]
    """Data steps that were left out when the steps of the spike were made, ascending: those of this spike are not among them."""
    lines: Sequence[Line]
    """Metrics of steps up to the end of the spike, as they were before the run went back."""
    afterwards: Sequence[Line]
    """Metrics of the steps after the checkpoint that were made in their place."""
    events: Sequence[Line]
    """All of the run."""

    @property
    def path(self) -> Path:
        """Of the page that is made of it."""
        return self.run / "spikes" / f"{self.number:03d}.html"


def read_spike(run: Path, number: int) -> Told:
    """What the run in folder `run` says about its spike `number`, from 1.

    InputError if there is no such spike, a file about it cannot be read, or the checkpoint is gone, or of another course of the run.
    """
    numbers = sorted(int(path.stem) for path in (run / "spikes").glob("*.json") if path.stem.isdigit())
    if number not in numbers:
        had = f"only {', '.join(map(str, numbers))}" if numbers else "none so far"
        raise InputError(f"{run} has no spike {number}: it had {had}")
    known = {each: _read(run, each) for each in numbers if each >= number}
    spike, cut = known.pop(number)
    for later, (other, _) in known.items():
        if other.checkpoint < spike.checkpoint:
            raise InputError(
                f"at spike {later} {run} went back to step {other.checkpoint}, before the checkpoint {spike.checkpoint} of spike {number}: "
                "what led to that is gone"
            )
    checkpoint = folder.step_folder(run / "checkpoints", spike.checkpoint)
    if not (checkpoint / folder.STATE).is_file():
        raise InputError(
            f"the checkpoint {checkpoint}, to which {run} went back at spike {number}, is gone: nothing can be replayed"
        )
    if wrong := folder.damage(checkpoint):
        raise InputError(f"the checkpoint {checkpoint} is damaged: {wrong}")
    state = folder.read_state(checkpoint)
    left_out = {*spike.data_steps}.union(*(other.data_steps for other, _ in known.values()))
    steps = [line for line in read_metrics(run) if "loss" in line]
    return Told(
        run=run,
        number=number,
        spike=spike,
        checkpoint=checkpoint,
        state=state,
        skipped=tuple(step for step in state.skipped if step not in left_out),
        lines=[line for line in steps if line["step"] <= spike.checkpoint] + [line for line in cut if "loss" in line],
        afterwards=[line for line in steps if line["step"] > spike.checkpoint],
        events=read_events(run),
    )


def _read(run: Path, number: int) -> tuple[Spike, list[Line]]:
    """A spike and the lines of metrics that were cut."""
    path = run / "spikes" / f"{number:03d}.json"
    told = _object(path.read_text(encoding="utf-8", errors="replace"), str(path))
    lines = told.pop("metrics", None)
    if not isinstance(lines, list) or not all(
        isinstance(line, dict) and isinstance(line.get("step"), int) for line in lines
    ):
        raise InputError(f"metrics of {path} are not lines of metrics, each with its step")
    spike = from_json(json.dumps(told), Spike, str(path))
    if not 0 < spike.first <= spike.last or spike.checkpoint >= spike.first:
        raise InputError(
            f"{path} tells of steps {spike.first} to {spike.last} and of a checkpoint at step {spike.checkpoint}, not before them"
        )
    return spike, lines


def _object(text: str, origin: str) -> Line:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{origin} is not JSON: {error.msg} at character {error.pos}") from None
    if not isinstance(value, dict):
        raise InputError(f"{origin} is not a JSON object with named values")
    return value
