"""The folder of a cleaning run: what its parts were made of, and why some are made anew."""

import contextlib
import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.claims import Claim
from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.parts import Part, Parts
from tanuki_jax.corpus.cleaning.pipeline import Pipeline, to_plain

CLEAN, SIGNATURES, ACROSS, WRITTEN, DOCUMENTS = "clean", "signatures", "across", "written", "documents"
"""Folders of the cleaned parts, of their signatures, of what is compared, of the last counts, and of the documents."""
CLUSTERS = "clusters.json"
"""File of the counts of copies."""
_RECORD = "run.json"


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the folder for this command. InputError if another one holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    claim = Claim.attempt(folder / ".lock")
    if claim is None:
        raise InputError(f"another clean command works in {folder}: wait for its end, or choose another --out")
    try:
        yield
    finally:
        claim.release()


def record(folder: Path, pipeline: Pipeline, rules_key: str, parts: Parts) -> list[str]:
    """Write what the run consists of, and return sentences about what is made anew, and why."""
    path = folder / _RECORD
    old: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    new = {
        "pipeline": to_plain(pipeline),
        "rules_key": rules_key,
        "parts": {part.name: {"source": part.source, "files": _files(part)} for part in parts.parts},
    }
    replace_text(path, json.dumps(new, ensure_ascii=False, indent=2) + "\n")
    return _changes(old, new, folder, parts.parts) if old else []


def delete_stale(folder: Path, parts: Sequence[Part], written: Collection[str]) -> None:
    """Delete files of parts that the run no longer has, and all last counts but those of these names."""
    names = {part.name for part in parts}
    for sub in (CLEAN, SIGNATURES, DOCUMENTS):
        for path in (folder / sub).glob("*"):
            if path.name.lstrip(".").split(".")[0] not in names:
                path.unlink()
    for path in (folder / WRITTEN).glob("*"):
        if path.name not in written:
            path.unlink()


def _files(part: Part) -> dict[str, list[int]]:
    return {file.path: [file.bytes, file.modified] for file in part.files}


def _changes(old: dict[str, Any], new: dict[str, Any], folder: Path, parts: Sequence[Part]) -> list[str]:
    anew = [part for part in parts if part.name not in old["parts"]]
    if not anew:
        gone = len(old["parts"]) - len(new["parts"])
        return [f"{gone} parts are no longer in the input and are left out"] if gone else []
    if old["rules_key"] != new["rules_key"]:
        before, now = (json.dumps(each["pipeline"]["rules"], sort_keys=True) for each in (old, new))
        changed = "the rules" if before != now else "the code of the rules or a file that they name"
        return [f"{changed} changed since the last run: all {len(parts)} parts are made anew"]
    known: dict[str, list[int]] = {}
    for entry in old["parts"].values():
        known |= entry["files"]
    sentences = []
    for verb, names in (
        ("changed", sorted({p for part in anew for p, v in _files(part).items() if p in known and known[p] != v})),
        ("are new", sorted({path for part in anew for path in _files(part) if path not in known})),
    ):
        if names:
            shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            sentences.append(f"{len(names)} files {verb}: {shown}")
    kept = len(parts) - len(anew)
    return [*sentences, f"{len(anew)} parts are made, {kept} are kept"]
