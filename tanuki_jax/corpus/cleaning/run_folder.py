"""The folder of a cleaning run: what its parts were made of, and why some are made anew."""

import json
import re
import shutil
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.claims import held_folder
from tanuki_jax.base.progress import amount
from tanuki_jax.corpus.cleaning.parts import Part, Parts
from tanuki_jax.corpus.cleaning.pipeline import Pipeline, to_plain

CLEAN, SIGNATURES, ACROSS, WRITTEN, DOCUMENTS = "clean", "signatures", "across", "written", "documents"
"""Folders of the cleaned parts, of their signatures, of what is compared, of the last counts, and of the documents."""
CLUSTERS = "clusters.json"
"""File of the counts of copies."""
_RECORD = "run.json"


def claimed(folder: Path) -> AbstractContextManager[None]:
    """Hold the folder of a run during a block (`held_folder`)."""
    return held_folder(folder, _RECORD, "clean", "cleaning")


class Keys(NamedTuple):
    """Hashes that name parts, besides the input."""

    rules: str
    code: str


def record(folder: Path, pipeline: Pipeline, keys: Keys, parts: Parts) -> list[str]:
    """Write what the run consists of, and return sentences about what is made anew, and why."""
    path = folder / _RECORD
    old: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    new = {
        "pipeline": to_plain(pipeline),
        "keys": keys._asdict(),
        "parts": {part.name: {"source": part.source, "files": _files(part)} for part in parts.parts},
    }
    replace_text(path, json.dumps(new, ensure_ascii=False, indent=2) + "\n")
    return _changes(old, new, folder, parts.parts) if old else []


def delete_counts(folder: Path, written: Collection[str]) -> None:
    """Delete last counts but those of these names: documents are about to be written that they do not describe."""
    for path in (folder / WRITTEN).glob("*"):
        if path.name not in written:
            path.unlink()


def delete_stale(folder: Path, parts: Sequence[Part], suffix: str, signatures: str) -> None:
    """Delete files of parts, formats and signature settings that the run no longer has, and what kills left."""
    names = [part.name for part in parts]
    current = {f"{name}.{each}" for name in names for each in ("parquet", "json", suffix, "signatures")}
    own = {f"{name}.{suffix}" for name in names}
    for sub, wanted in ((CLEAN, current), (DOCUMENTS, own), (f"{SIGNATURES}/{signatures}", current)):
        for path in (folder / sub).glob("*"):
            if path.name not in wanted and path.is_file() and _is_own(path.name):
                path.unlink()
    for path in (folder / SIGNATURES).glob("*"):
        if path.name != signatures:
            shutil.rmtree(path, ignore_errors=True)


def _is_own(name: str) -> bool:
    """Whether a file has the name of a part."""
    return re.match(r"\.*[0-9a-f]{16}\.", name) is not None


def _files(part: Part) -> dict[str, list[int]]:
    return {file.path: [file.bytes, file.modified] for file in part.files}


def _changes(old: dict[str, Any], new: dict[str, Any], folder: Path, parts: Sequence[Part]) -> list[str]:
    anew = [part for part in parts if part.name not in old["parts"]]
    if not anew:
        gone = len(old["parts"]) - len(new["parts"])
        return [f"{_amount(gone, 'part')} no longer in the input"] if gone else []
    if old.get("keys") != new["keys"]:
        changed = _changed_rules(old, new) or "the program's code of the rules changed"
        return [f"{changed} (since the last run); {_amount(len(parts), 'part')} made anew"]
    known = {path: stamp for entry in old["parts"].values() for path, stamp in entry["files"].items()}
    files = {path: stamp for part in parts for path, stamp in _files(part).items()}
    made = {path for part in anew for path in _files(part)}
    sentences = _changed_cut(old["pipeline"], new["pipeline"])
    for verb, names in (
        ("changed files", sorted(path for path in made if path in known and known[path] != files[path])),
        ("new files", sorted(path for path in made if path not in known)),
        ("files no longer in the input", sorted(path for path in known if path not in files)),
    ):
        if names:
            shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            sentences.append(f"{verb}: {shown}")
    kept = len(parts) - len(anew)
    return [*sentences, f"{_amount(len(anew), 'part')} made, {_amount(kept, 'part')} kept"]


def _changed_cut(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return sentences about settings, other than rules, that changed how files are cut into parts, or read."""
    old, new = ({each["name"]: each["text_field"] for each in pipeline["inputs"]} for pipeline in (before, now))
    changed = [("part_bytes", before["part_bytes"], now["part_bytes"])]
    changed += [(f"inputs.{name}.text_field", old[name], new[name]) for name in new if name in old]
    sentences = [f"{name} changed from {was} to {value}" for name, was, value in changed if was != value]
    renamed = [name for name in new if name not in old]
    return [*sentences, *([f"new inputs: {', '.join(renamed)}"] if renamed else [])]


def _amount(count: int, unit: str) -> str:
    return f"{amount(count, unit)} {'is' if count == 1 else 'are'}"


def _changed_rules(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Return which rules changed, in words; empty: none did."""
    if old.get("keys", {}).get("rules") == new["keys"]["rules"]:
        return ""
    before, now = old["pipeline"]["rules"], json.loads(json.dumps(new["pipeline"]["rules"]))
    added, removed = [name for name in now if name not in before], [name for name in before if name not in now]
    changed = [
        f"{rule}.{field} from {before[rule].get(field)} to {value}"
        for rule in now
        if rule in before
        for field, value in now[rule].items()
        if before[rule].get(field) != value
    ]
    parts = [("rules changed", changed), ("rules added", added), ("rules removed", removed)]
    said = "; ".join(f"{title}: {', '.join(found[:3])}" for title, found in parts if found)
    return said or "a file that a rule names, the order of the rules or split_characters changed"
