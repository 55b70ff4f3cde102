"""What a checkpoint is on disk, and which ones are good.

`checkpoints/STEP/base/` holds the parameters and `optimizer/` the optimizer's state, as Orbax writes them (zarr3 in OCDBT, one layer
of a stacked parameter a chunk); in the place of `base/` there may be `adapters/`, of another checkpoint's parameters. `state.json` is
written last, with a checksum of every file: a folder without it is unfinished. `STEP.damaged/` is a checkpoint that was set aside.
"""

import concurrent.futures
import dataclasses
import hashlib
import itertools
import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tanuki_jax.base.atomic import replace_text, sync_folder
from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.old_versions import VERSION, upgraded
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.model import Model
from tanuki_jax.config.serialize import from_json, to_json

STATE = "state.json"
_log = logging.getLogger("tanuki_jax.checkpoints")


@dataclasses.dataclass(frozen=True, kw_only=True)
class State:
    """Everything about a checkpoint that is not an array."""

    version: int = VERSION
    """Version in which the arrays were saved."""
    step: int
    """Optimizer steps behind it, rejected ones included."""
    tokens: int
    """Tokens behind it."""
    skipped: tuple[int, ...]
    """Data steps that were left out, ascending."""
    model: Model
    tokenizer: str
    """Path of the tokenizer: `tokenizer`, the copy inside the checkpoint. In old checkpoints the path that training read it from, relative
    to where training ran unless absolute; empty: the checkpoint was converted from a folder without one."""
    sequence_length: int
    """Tokens in the rows that it was trained on, or in the longest text that a converted model is made for."""
    data: str
    """Fingerprint of all that determines batches; empty if the checkpoint was converted."""
    files: Mapping[str, str]
    """Path in the folder -> BLAKE2b checksum; that of `state.json` is of its text without it."""
    sums: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Dotted name of an array -> sum of its bits, as it was on the devices; empty if the checkpoint was converted."""
    held_out: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Held-out losses, if they were measured at this step."""
    history: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """What training remembers of the run, as JSON that only training reads (`training.loss_history`); empty if the checkpoint was
    converted."""
    adapters: Mapping[str, LoRA] = dataclasses.field(default_factory=dict)
    """What `adapters/` holds, by name; empty: all parameters are in `base/`."""
    base: str = ""
    """Checkpoint whose parameters they adapt, relative to where training ran unless absolute."""
    base_fingerprint: str = ""
    """`weights_fingerprint` of that."""
    tokenizer_fingerprint: str = ""
    """`data.tokenizer.copy_tokenizer.fingerprint` of the tokenizer; empty in old checkpoints."""

    @classmethod
    def converted(cls, model: Model, tokenizer: str, sequence_length: int) -> Self:
        """Of parameters that no run has trained."""
        return cls(
            step=0,
            tokens=0,
            skipped=(),
            model=model,
            tokenizer=tokenizer,
            sequence_length=sequence_length,
            data="",
            files={},
        )


def step_folder(checkpoints: Path, step: int) -> Path:
    """The folder of the checkpoint after `step` steps."""
    return checkpoints / f"{step:08d}"


def steps(checkpoints: Path) -> list[int]:
    """Steps of the finished checkpoints in a folder, ascending; they are not verified here, and those set aside are not among them."""
    return sorted(int(path.parent.name) for path in checkpoints.glob(f"*/{STATE}") if _is_of_a_step(path.parent))


def _is_of_a_step(folder: Path) -> bool:
    return folder.name.isdecimal() and folder == step_folder(folder.parent, int(folder.name))


def checksums(checkpoint: Path) -> dict[str, str]:
    """Checksum of every file of a checkpoint but `state.json`, by its relative path; several files at once."""
    files = sorted(path for path in checkpoint.rglob("*") if path.is_file() and path != checkpoint / STATE)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return {
            str(path.relative_to(checkpoint)): digest
            for path, digest in zip(files, pool.map(_checksum, files), strict=True)
        }


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, _new_digest).hexdigest()


def _new_digest() -> Any:
    return hashlib.blake2b(digest_size=16)


def sync(checkpoint: Path) -> None:
    """Returns when a checkpoint is on the disk, with its name and the names of all files in it; they will be read from there."""
    for folder, _, files in checkpoint.walk(top_down=False):
        for name in files:
            with (folder / name).open("rb") as file:
                os.fsync(file.fileno())
                if hasattr(os, "posix_fadvise"):  # not on macOS
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        sync_folder(folder)
    sync_folder(checkpoint.parent)


def finish(checkpoint: Path, state: State) -> None:
    """Makes a written checkpoint count."""
    sync(checkpoint)
    commit(checkpoint, state)


def commit(checkpoint: Path, state: State) -> None:
    """Writes the `state.json` of a checkpoint that is on the disk, with the checksums of what lies there, in one atomic step."""
    _write_state(checkpoint, dataclasses.replace(state, version=VERSION), checksums(checkpoint))


def rewrite(checkpoint: Path, state: State) -> None:
    """Gives a finished checkpoint another state, in one atomic step; its arrays and their checksums stay."""
    _write_state(
        checkpoint, state, {name: digest for name, digest in read_state(checkpoint).files.items() if name != STATE}
    )


def _write_state(checkpoint: Path, state: State, files: Mapping[str, str]) -> None:
    """`state.json` has its own checksum too, of its text with nothing in the checksum's place."""
    unsigned = to_json(dataclasses.replace(state, files={**files, STATE: ""}))
    signed = to_json(dataclasses.replace(state, files={**files, STATE: _state_checksum(unsigned)}))
    replace_text(checkpoint / STATE, signed)


def _state_checksum(unsigned: str) -> str:
    digest = _new_digest()
    digest.update(unsigned.encode())
    return str(digest.hexdigest())


def read_state(checkpoint: Path) -> State:
    """The `state.json` of a checkpoint. InputError if there is none, it cannot be read, or it is not what was written."""
    path = checkpoint / STATE
    if not path.is_file():
        raise InputError(f"{checkpoint} is not a finished checkpoint; it has no {STATE}")
    try:
        text = path.read_text(encoding="utf-8")
        state = from_json(upgraded(text, str(path)), State, str(path))
    except InputError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {_in_one_line(error)}") from None
    own = state.files.get(STATE, "")
    older = not own and '"sums"' not in text  # than this checksum
    if not older and own != _state_checksum(text.replace(own, "")):
        raise InputError(f"{path} has another checksum than when it was saved")
    return state


def damage(checkpoint: Path) -> str:
    """What is wrong with a checkpoint, in a few words; empty if `state.json` and every other file are those that were saved."""
    try:
        state = read_state(checkpoint)
        found = checksums(checkpoint)
    except InputError as error:
        return str(error)
    except OSError as error:
        return f"its files cannot be read: {_in_one_line(error)}"
    if _is_of_a_step(checkpoint) and state.step != int(checkpoint.name):
        return f"its {STATE} is that of step {state.step}"
    expected = {name: digest for name, digest in state.files.items() if name != STATE}
    for name in expected:
        if name not in found:
            return f"{name} is missing"
        if found[name] != expected[name]:
            return f"{name} has another checksum than when it was saved"
    if more := sorted(found.keys() - expected.keys()):
        return f"{more[0]} was not there when it was saved"
    return ""


def weights_fingerprint(state: State) -> str:
    """A hash of a checkpoint's weights, by the checksums of their files."""
    digest = _new_digest()
    for name, checksum in sorted(state.files.items()):
        if name.startswith(("base/", "adapters/")):
            digest.update(f"{name} {checksum}\n".encode())
    return str(digest.hexdigest())


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def newest_good(checkpoints: Path) -> tuple[Path | None, dict[Path, str]]:
    """The newest checkpoint whose checksums hold, None if there is none; and the newer ones passed over, with what is wrong with them."""
    passed_over: dict[Path, str] = {}
    for step in reversed(steps(checkpoints)):
        checkpoint = step_folder(checkpoints, step)
        if not (wrong := damage(checkpoint)):
            return checkpoint, passed_over
        passed_over[checkpoint] = wrong
    return None, passed_over


def set_aside(checkpoint: Path, wrong: str) -> Path:
    """Renames a damaged checkpoint, so that it counts no more and nothing removes it, and says so; returns where it lies now.

    To be called in one process, where the run goes on from an older checkpoint.
    """
    suffixes = itertools.chain([""], (f".{number}" for number in itertools.count(2)))
    places = (checkpoint.with_name(f"{checkpoint.name}.damaged{suffix}") for suffix in suffixes)
    place = next(place for place in places if not place.exists())
    checkpoint.rename(place)
    sync_folder(checkpoint.parent)
    _log.warning(
        "the checkpoint %s is damaged (%s); it was renamed to %s, and the one before it is used",
        checkpoint,
        wrong,
        place.name,
    )
    return place


def remove(checkpoint: Path) -> None:
    """Removes a checkpoint; one that is removed in part does not count, whatever ends the process."""
    if (checkpoint / STATE).is_file():
        (checkpoint / STATE).unlink()
        sync_folder(checkpoint)
    shutil.rmtree(checkpoint)


def unfinished(checkpoints: Path) -> list[Path]:
    """What saves that were cut off, or removals, left in a folder of checkpoints."""
    return sorted(
        path
        for path in checkpoints.glob("*")
        if _step_of(path) is not None and path.is_dir() and not (path / STATE).is_file()
    )


def _step_of(folder: Path) -> int | None:
    """The step of a checkpoint, or of one that Orbax is writing under another name; None of one that was set aside."""
    name, _, rest = folder.name.partition(".")
    return int(name) if name.isdecimal() and (not rest or rest.startswith("orbax-checkpoint-tmp")) else None


def discard_after(checkpoints: Path, step: int) -> None:
    """Removes all checkpoints after a step, finished or not, the newest first, so that those which are left have no gap at any moment."""
    found = {path: _step_of(path) or 0 for path in checkpoints.glob("*") if path.is_dir()}
    for path in sorted(found, key=lambda path: found[path], reverse=True):
        if found[path] > step:
            remove(path)
    sync_folder(checkpoints)


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
                raise InputError(
                    f"every checkpoint in {checkpoints} is damaged; the newest: {next(iter(passed_over.values()))}"
                )
            for damaged, wrong in passed_over.items():
                _log.warning("the checkpoint %s is damaged (%s); %s is used", damaged, wrong, checkpoint)
            return checkpoint
    raise InputError(
        f"there is no checkpoint in {given}" if given.exists() else f"there is no checkpoint at {given}: no such folder"
    )
