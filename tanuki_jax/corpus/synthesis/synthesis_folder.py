"""The folder of a synthesis run: who holds it, how its items were divided, and what of it is stale."""

import json
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.claims import held_folder
from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.synthesis.named_syntheses import to_plain
from tanuki_jax.corpus.synthesis.part_files import COUNTS, DROPPED, MADE, RECORDS, STATUS, TEXTS, PartFiles
from tanuki_jax.corpus.synthesis.synthesis_settings import Synthesis

_RECORD = "run.json"
_DIVISION = ("part_items", "part_bytes")


def held(folder: Path) -> AbstractContextManager[None]:
    """Hold the folder of a run during a block (`held_folder`)."""
    return held_folder(folder, _RECORD, "synthesize", "synthesis")


def record_run(folder: Path, synthesis: Synthesis) -> None:
    """Write the run's config into its folder.

    Raises:
        InputError: the folder has answers whose items were divided among tasks in another way. They are found by task,
            and would be asked and paid for again.
    """
    path, plain = folder / _RECORD, to_plain(synthesis)
    if path.exists():
        old = _read(path)
        for name in _DIVISION:
            if old.get(name) != plain[name]:
                option = f"--{name.replace('_', '-')}"
                raise InputError(
                    f"{folder} was begun with {option} {old.get(name)}, by which its answers are found: use the same, "
                    "or another --out"
                )
    replace_text(path, json.dumps(plain, ensure_ascii=False, indent=2) + "\n")


def _read(path: Path) -> dict[str, Any]:
    try:
        old = json.loads(path.read_text("utf-8"))
    except ValueError:
        old = None
    if not isinstance(old, dict):
        raise InputError(f"{path} is damaged: delete it, and start again; the answers in the folder are used")
    return old


def forget_failures(files: Sequence[PartFiles]) -> int:
    """Delete the counts of parts in which requests failed, so that those are tried again. Return their number."""
    failed = [each for each in files if each.counts.exists() and each.read_totals().failed]
    for each in failed:
        each.counts.unlink()
    return len(failed)


def delete_stale(folder: Path, files: Sequence[PartFiles], records: Sequence[Path]) -> None:
    """Delete files of earlier settings of the run, and what kills left; the teacher's answers stay.

    Args:
        folder: folder of the run.
        files: files of its parts.
        records: files of its records.
    """
    current = {path.name for each in files for path in (each.made, each.texts, each.dropped, each.counts)}
    current |= {path.name for path in records}
    for name in (MADE, TEXTS, DROPPED, COUNTS, STATUS, RECORDS):
        for path in (folder / name).glob("*"):
            if path.name not in current and re.match(r"\.?[0-9a-f]{6,16}(-\d+)?\.", path.name):
                path.unlink()
