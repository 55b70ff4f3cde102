"""Record of a spike in a run's folder: the metrics that were cut when the run went back, and the events around it."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.json_lines import null_as_nan
from tanuki_jax.checkpoints import format as folder
from tanuki_jax.checkpoints.format import State
from tanuki_jax.config.serialize import from_json
from tanuki_jax.training.loss_history import Spike
from tanuki_jax.training.runs.run_folder import read_events, read_metrics

type Line = dict[str, Any]
"""Line of metrics.jsonl or events.jsonl."""


@dataclasses.dataclass(frozen=True)
class SpikeRecord:
    """A spike, and what the run logged about it."""

    run: Path
    number: int
    """Number of the spike, from 1."""
    spike: Spike
    checkpoint: Path
    state: State
    """State of the checkpoint."""
    skipped: tuple[int, ...]
    """Data steps left out before the spike happened, ascending: those of this spike are not among them."""
    lines: Sequence[Line]
    """Metrics of the steps up to the end of the spike, as they were before the run went back."""
    afterwards: Sequence[Line]
    """Metrics of the steps after the checkpoint that replaced them."""
    events: Sequence[Line]
    """All events of the run."""

    @property
    def path(self) -> Path:
        """Return the path of the page about the spike."""
        return self.run / "spikes" / f"{self.number:03d}.html"


def read_spike(run: Path, number: int) -> SpikeRecord:
    """Return the record of spike `number`, from 1, of the run in folder `run`.

    InputError if there is no such spike, a file about it cannot be read, or the checkpoint is missing or from before a
    later spike to which the run went back further.
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
                f"at spike {later} {run} went back to step {other.checkpoint}, before the checkpoint "
                f"{spike.checkpoint} of spike {number}: the steps that led to spike {number} are gone"
            )
    checkpoint = folder.step_folder(run / "checkpoints", spike.checkpoint)
    if not (checkpoint / folder.STATE).is_file():
        raise InputError(
            f"the checkpoint {checkpoint}, to which {run} went back at spike {number}, is missing: "
            "nothing can be replayed"
        )
    if wrong := folder.damage(checkpoint):
        raise InputError(f"the checkpoint {checkpoint} is damaged: {wrong}")
    state = folder.read_state(checkpoint)
    left_out = {*spike.data_steps}.union(*(other.data_steps for other, _ in known.values()))
    steps = [line for line in read_metrics(run) if "loss" in line]
    return SpikeRecord(
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
    """Return a spike and the lines of metrics that were cut."""
    path = run / "spikes" / f"{number:03d}.json"
    fields = _object(path.read_text(encoding="utf-8", errors="replace"), str(path))
    lines = null_as_nan(fields.pop("metrics", None))
    if not isinstance(lines, list) or not all(
        isinstance(line, dict) and isinstance(line.get("step"), int) for line in lines
    ):
        raise InputError(f"metrics of {path} are not lines of metrics, each with its step")
    spike = from_json(json.dumps(fields), Spike, str(path))
    if not 0 < spike.first <= spike.last or spike.checkpoint >= spike.first:
        raise InputError(
            f"{path} has a spike of steps {spike.first} to {spike.last} and a checkpoint of step {spike.checkpoint}, "
            "which is not before them"
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
