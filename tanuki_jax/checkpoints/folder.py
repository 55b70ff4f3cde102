"""What a checkpoint is on disk, and which ones are good.

`checkpoints/STEP/base/` holds the parameters and `optimizer/` the optimizer's state, as Orbax writes them (zarr3 in OCDBT, one layer
of a stacked parameter a chunk). `state.json` is written last, with a checksum of every other file: a folder without it is unfinished.
"""

import concurrent.futures
import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path

from tanuki_jax.config.model import Model
from tanuki_jax.config.serialize import from_json, to_json
from tanuki_jax.errors import InputError
from tanuki_jax.replacing import replace_text

STATE = "state.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Course:
    """How a run has gone lately: what decides whether steps are usual and whether there is a spike."""

    losses: tuple[float, ...] = ()
    """Of accepted steps, oldest first: the guard's window."""
    gradient_norms: tuple[float, ...] = ()
    rejected: tuple[int, ...] = ()
    """Steps that were rejected lately."""
    smoothed: float = 0.0
    """Mean loss of about the last eight accepted steps, exponentially weighted."""
    level: float = 0.0
    """Mean loss of about the last 64 accepted steps that were not raised."""
    spread: float = 0.0
    """Mean absolute difference from the level, of the same steps."""
    calm: int = 0
    """How many steps the level is made of."""
    raised_from: int = 0
    """First step of those in a row whose smoothed loss is above the level; 0: there are none."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spike:
    """Steps whose data were left out when the run went back."""

    first: int
    """First step of the spike, from 1."""
    last: int
    """The step at which it was recognised."""
    data_steps: tuple[int, ...]
    """What the steps from `first` to `last` read."""
    checkpoint: int
    """Step of the checkpoint to which the run went back."""
    reason: str
    """In a sentence."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class State:
    """Everything about a checkpoint that is not an array."""

    step: int
    """Optimizer steps behind it, rejected ones included."""
    tokens: int
    """Tokens behind it."""
    skipped: tuple[int, ...]
    """Data steps that were left out, ascending."""
    model: Model
    tokenizer: str
    """Path of the tokenizer, relative to where training ran unless absolute."""
    sequence_length: int
    """Tokens in the rows that it was trained on, or in the longest text that a converted model is made for."""
    data: str
    """Fingerprint of all that determines batches; empty if the checkpoint was converted."""
    files: Mapping[str, str]
    """Path in the folder -> BLAKE2b checksum."""
    sums: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Dotted name of an array -> sum of its bits, as it was on the devices; empty if the checkpoint was converted."""
    held_out: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Held-out losses, if they were measured at this step."""
    course: Course = Course()
    spikes: tuple[Spike, ...] = ()
    """All so far."""
    slow_until: int = 0
    """Up to this step the learning rate is lower."""


def step_folder(checkpoints: Path, step: int) -> Path:
    """The folder of the checkpoint after `step` steps."""
    return checkpoints / f"{step:08d}"


def steps(checkpoints: Path) -> list[int]:
    """Steps of the finished checkpoints in a folder, ascending; they are not verified here."""
    return sorted(int(path.parent.name) for path in checkpoints.glob(f"*/{STATE}") if path.parent.name.isdigit())


def checksums(checkpoint: Path) -> dict[str, str]:
    """Checksum of every file of a checkpoint but `state.json`, by its relative path; several files at once."""
    files = sorted(path for path in checkpoint.rglob("*") if path.is_file() and path != checkpoint / STATE)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return {str(path.relative_to(checkpoint)): digest for path, digest in zip(files, pool.map(_checksum, files), strict=True)}


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def finish(checkpoint: Path, state: State) -> None:
    """Makes a written checkpoint count: `state.json` with the checksums of what lies there, in one atomic step."""
    replace_text(checkpoint / STATE, to_json(dataclasses.replace(state, files=checksums(checkpoint))))


def read_state(checkpoint: Path) -> State:
    """The `state.json` of a checkpoint. InputError if there is none or it cannot be read."""
    path = checkpoint / STATE
    if not path.is_file():
        raise InputError(f"{checkpoint} is not a finished checkpoint; it has no {STATE}")
    return from_json(path.read_text(encoding="utf-8"), State, str(path))


def damage(checkpoint: Path) -> str:
    """What is wrong with a checkpoint's files, in a few words; empty if every checksum holds."""
    try:
        expected = read_state(checkpoint).files
    except InputError as error:
        return str(error)
    found = checksums(checkpoint)
    for name in expected:
        if name not in found:
            return f"{name} is missing"
        if found[name] != expected[name]:
            return f"{name} has another checksum than when it was saved"
    return ""


def newest_good(checkpoints: Path) -> tuple[Path | None, dict[Path, str]]:
    """The newest checkpoint whose checksums hold, None if there is none; and the newer ones passed over, with what is wrong with them."""
    passed_over: dict[Path, str] = {}
    for step in reversed(steps(checkpoints)):
        checkpoint = step_folder(checkpoints, step)
        if not (wrong := damage(checkpoint)):
            return checkpoint, passed_over
        passed_over[checkpoint] = wrong
    return None, passed_over


def find(path: str) -> Path:
    """The checkpoint that a user means: a checkpoint, or the newest good one of a run folder. InputError if there is none."""
    given = Path(path)
    if (given / STATE).is_file():
        if wrong := damage(given):
            raise InputError(f"the checkpoint {given} is damaged: {wrong}")
        return given
    for checkpoints in (given / "checkpoints", given):
        if steps(checkpoints):
            checkpoint, passed_over = newest_good(checkpoints)
            if checkpoint is None:
                raise InputError(f"every checkpoint in {checkpoints} is damaged; the newest: {next(iter(passed_over.values()))}")
            return checkpoint
    raise InputError(f"there is no checkpoint in {given}" if given.exists() else f"there is no checkpoint at {given}: no such folder")


def tokenizer_path(checkpoint: Path, state: State) -> Path:
    """Where the tokenizer that `state` names lies: in the checkpoint itself, or from the working directory. InputError if nowhere."""
    if not state.tokenizer:
        raise InputError(f"the checkpoint {checkpoint} has no tokenizer; it was converted from a folder without one")
    inside, outside = checkpoint / state.tokenizer, Path(state.tokenizer)
    if not inside.exists() and not outside.exists():
        raise InputError(f"the tokenizer of {checkpoint} is not at {outside}; run this where the training ran")
    return inside if inside.exists() else outside
