"""Format of checkpoints on the disk, and search for those that are complete and undamaged.

`checkpoints/STEP/base/` holds the parameters and `optimizer/` the optimizer's state, as Orbax writes them (zarr3 in
OCDBT, one layer of a stacked parameter a chunk); instead of `base/` there may be `adapters/` for another checkpoint's
parameters. `tokenizer/` holds the tokenizer with its chat template. `state.json` is written last, with a checksum of
every file: a folder without it is unfinished. `STEP.damaged/` is a checkpoint that was set aside.
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
from tanuki_jax.data.read_positions import Reading

STATE = "state.json"
_log = logging.getLogger("tanuki_jax.checkpoints")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImportedIds:
    """Ids of special tokens as the folder of Hugging Face states them that a checkpoint was converted from."""

    bos: tuple[int, ...] = ()
    eos: tuple[int, ...] = ()
    pad: tuple[int, ...] = ()
    tokenizer: str = ""
    """`Tokenizer.fingerprint` of the tokenizer that they are of; empty: the folder had none."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class State:
    """Everything about a checkpoint that is not an array."""

    version: int = VERSION
    """Version in which the arrays were saved."""
    step: int
    """Optimizer steps so far, rejected ones included."""
    tokens: int
    """Tokens trained on so far."""
    skipped: tuple[int, ...]
    """Data steps left out so far or to be left out, ascending."""
    model: Model
    tokenizer: str
    """Path of the tokenizer: `tokenizer`, the copy inside the checkpoint. In old checkpoints the path that training
    read it from, absolute or relative to where training ran; empty: the checkpoint was converted from a folder without
    a tokenizer."""
    sequence_length: int
    """Tokens in a row of the training data, or in the longest text that a converted model is made for."""
    data: str
    """Fingerprint of everything that determines the batches; empty if the checkpoint was converted."""
    files: Mapping[str, str]
    """Path in the folder -> BLAKE2b checksum; the checksum of `state.json` is of its text without that checksum."""
    sums: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Dotted name of an array -> sum of its bits on the devices (`checkpoints.sums`); empty if converted."""
    held_out: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Held-out losses, if they were measured at this step."""
    history: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """History of the run, as JSON that only training reads (`training.loss_history`); empty if converted."""
    adapters: Mapping[str, LoRA] = dataclasses.field(default_factory=dict)
    """Adapters in `adapters/`, by name; empty: all parameters are in `base/`."""
    base: str = ""
    """Checkpoint whose parameters the adapters are for, absolute or relative to where training ran."""
    base_fingerprint: str = ""
    """`weights_fingerprint` of the checkpoint `base`."""
    optimizer: str = "AdamW"
    """Kind of optimizer whose state is in `optimizer/`, if there is one; AdamW in old checkpoints."""
    tokenizer_fingerprint: str = ""
    """`data.tokenizer.copy_tokenizer.fingerprint` of the tokenizer; empty in old checkpoints."""
    ids: ImportedIds = ImportedIds()
    """Ids of special tokens, if the weights once came from Hugging Face."""
    reading: Reading = dataclasses.field(default_factory=Reading)
    """Positions up to which the sources have been read, and where they began."""

    @classmethod
    def converted(cls, model: Model, sequence_length: int) -> Self:
        """Return the state of a checkpoint that was converted, not trained by a run, and has no tokenizer yet."""
        return cls(
            step=0,
            tokens=0,
            skipped=(),
            model=model,
            tokenizer="",
            sequence_length=sequence_length,
            data="",
            files={},
        )


def step_folder(checkpoints: Path, step: int) -> Path:
    """Return the folder of the checkpoint after `step` steps."""
    return checkpoints / f"{step:08d}"


def steps(checkpoints: Path) -> list[int]:
    """Return the steps of the finished checkpoints in a folder, ascending, unverified, without those set aside."""
    return sorted(int(path.parent.name) for path in checkpoints.glob(f"*/{STATE}") if _is_step_folder(path.parent))


def _is_step_folder(folder: Path) -> bool:
    return folder.name.isdecimal() and folder == step_folder(folder.parent, int(folder.name))


def checksums(checkpoint: Path) -> dict[str, str]:
    """Return the checksum of every file of a checkpoint but `state.json`, by relative path; several files at once."""
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
    """Flush a checkpoint's files and names to the disk; drop them from the page cache, so that reads test the disk."""
    for folder, _, files in checkpoint.walk(top_down=False):
        for name in files:
            with (folder / name).open("rb") as file:
                os.fsync(file.fileno())
                if hasattr(os, "posix_fadvise"):  # not on macOS
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        sync_folder(folder)
    sync_folder(checkpoint.parent)


def finish(checkpoint: Path, state: State) -> None:
    """Sync and commit a written checkpoint."""
    sync(checkpoint)
    commit(checkpoint, state)


def commit(checkpoint: Path, state: State) -> None:
    """Write the `state.json` of a checkpoint that is on the disk, with the checksums of its files, atomically."""
    _write_state(checkpoint, dataclasses.replace(state, version=VERSION), checksums(checkpoint))


def rewrite(checkpoint: Path, state: State) -> None:
    """Replace the state of a finished checkpoint, in one atomic step; its arrays and their checksums stay."""
    files = {name: digest for name, digest in read_state(checkpoint).files.items() if name != STATE}
    _write_state(checkpoint, state, files)


def _write_state(checkpoint: Path, state: State, files: Mapping[str, str]) -> None:
    """Write `state.json` with its own checksum too, taken of its text with an empty checksum."""
    unsigned = to_json(dataclasses.replace(state, files={**files, STATE: ""}))
    signed = to_json(dataclasses.replace(state, files={**files, STATE: _state_checksum(unsigned)}))
    replace_text(checkpoint / STATE, signed)


def _state_checksum(unsigned: str) -> str:
    digest = _new_digest()
    digest.update(unsigned.encode())
    return str(digest.hexdigest())


def read_state(checkpoint: Path) -> State:
    """Return the state of a checkpoint. InputError if it has none, or one that is unreadable or has changed."""
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
    checksum = state.files.get(STATE, "")
    older = not checksum and '"sums"' not in text  # written before this checksum was introduced
    if not older and checksum != _state_checksum(text.replace(checksum, "")):
        raise InputError(f"{path} has another checksum than when it was saved")
    return state


def damage(checkpoint: Path) -> str:
    """Return what is wrong with a checkpoint, in a few words; empty if every file is as it was saved."""
    try:
        state = read_state(checkpoint)
        present = checksums(checkpoint)
    except InputError as error:
        return str(error)
    except OSError as error:
        return f"its files cannot be read: {_in_one_line(error)}"
    if _is_step_folder(checkpoint) and state.step != int(checkpoint.name):
        return f"its {STATE} is that of step {state.step}"
    expected = {name: digest for name, digest in state.files.items() if name != STATE}
    for name in expected:
        if name not in present:
            return f"{name} is missing"
        if present[name] != expected[name]:
            return f"{name} has another checksum than when it was saved"
    if more := sorted(present.keys() - expected.keys()):
        return f"{more[0]} did not exist when it was saved"
    return ""


def weights_fingerprint(state: State) -> str:
    """Return a hash of a checkpoint's weights, computed from the checksums of their files."""
    digest = _new_digest()
    for name, checksum in sorted(state.files.items()):
        if name.startswith(("base/", "adapters/")):
            digest.update(f"{name} {checksum}\n".encode())
    return str(digest.hexdigest())


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def newest_good(checkpoints: Path) -> tuple[Path | None, dict[Path, str]]:
    """Return the newest undamaged checkpoint, None if there is none, and the damage of each newer one."""
    passed_over: dict[Path, str] = {}
    for step in reversed(steps(checkpoints)):
        checkpoint = step_folder(checkpoints, step)
        if not (wrong := damage(checkpoint)):
            return checkpoint, passed_over
        passed_over[checkpoint] = wrong
    return None, passed_over


def set_aside(checkpoint: Path, wrong: str) -> Path:
    """Rename a damaged checkpoint, so that it no longer counts and nothing removes it; log it and return its new path.

    To be called in one process, when the run goes on from an older checkpoint.
    """
    suffixes = itertools.chain([""], (f".{number}" for number in itertools.count(2)))
    candidates = (checkpoint.with_name(f"{checkpoint.name}.damaged{suffix}") for suffix in suffixes)
    path = next(candidate for candidate in candidates if not candidate.exists())
    checkpoint.rename(path)
    sync_folder(checkpoint.parent)
    _log.warning(
        "the checkpoint %s is damaged (%s); it was renamed to %s, and the one before it is used",
        checkpoint,
        wrong,
        path.name,
    )
    return path


def remove(checkpoint: Path) -> None:
    """Remove a checkpoint; a partly removed one does not count, whatever ends the process."""
    if (checkpoint / STATE).is_file():
        (checkpoint / STATE).unlink()
        sync_folder(checkpoint)
    shutil.rmtree(checkpoint)


def unfinished(checkpoints: Path) -> list[Path]:
    """Return what unfinished saves and removals have left in a folder of checkpoints."""
    return sorted(
        path
        for path in checkpoints.glob("*")
        if _step_of(path) is not None and path.is_dir() and not (path / STATE).is_file()
    )


def _step_of(folder: Path) -> int | None:
    """Return the step of a checkpoint, or of one that Orbax writes under another name; None for one set aside."""
    name, _, rest = folder.name.partition(".")
    return int(name) if name.isdecimal() and (not rest or rest.startswith("orbax-checkpoint-tmp")) else None


def discard_after(checkpoints: Path, step: int) -> None:
    """Remove all checkpoints after a step, finished or not, the newest first, so that there is never a gap."""
    step_of = {path: _step_of(path) or 0 for path in checkpoints.glob("*") if path.is_dir()}
    for path in sorted(step_of, key=lambda path: step_of[path], reverse=True):
        if step_of[path] > step:
            remove(path)
    sync_folder(checkpoints)


def find(path: str) -> Path:
    """Return the checkpoint at `path`, or the newest undamaged one of the run there. InputError if there is none."""
    folder = Path(path)
    if (folder / STATE).is_file():
        if wrong := damage(folder):
            raise InputError(f"the checkpoint {folder} is damaged: {wrong}")
        return folder
    for checkpoints in (folder / "checkpoints", folder):
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
        f"there is no checkpoint in {folder}"
        if folder.exists()
        else f"there is no checkpoint at {folder}: no such folder"
    )
