"""The folder of a coverage run: postings of each part of a corpus, for all spellings that were ever looked for."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.claims import Claim
from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.engines.engine import Engine
from tanuki_jax.corpus.cleaning.engines.run_stage import run_stage
from tanuki_jax.corpus.cleaning.file_tasks import FileTasks
from tanuki_jax.corpus.cleaning.parts import Part
from tanuki_jax.corpus.coverage.postings import FORMAT, ScanTask

_RECORD = "postings.json"
"""Format, files of the corpus, and the spellings of each scan."""
type Spelling = tuple[str, bool]
"""A spelling, and whether it also counts inside longer words."""


class PostingsFolder:
    """Postings of a corpus."""

    def __init__(self, folder: Path, parts: Sequence[Part]) -> None:
        """Open the folder, or make it. Files may be added to its corpus, but none may be gone or have changed.

        Parts may differ from those before: a small file that is added changes the part that it comes to. The postings
        of parts that no longer exist are left where they are, and not used.

        Raises:
            InputError: it has postings of another corpus, or of another format, or is something else.
        """
        self._folder, self._parts = folder, parts
        try:
            (folder / "postings").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"the folder {folder} cannot be made: {(error.strerror or str(error)).lower()}") from None
        record = folder / _RECORD
        known: dict[str, Any] = {"format": FORMAT, "files": [], "scans": []}
        if record.exists():
            known = json.loads(record.read_text("utf-8"))
        if known["format"] != FORMAT:
            raise InputError(f"{folder} has postings of another version: delete the folder, or choose another --out")
        self._scans: list[list[Spelling]] = [[(text, inside) for text, inside in scan] for scan in known["scans"]]
        self._files = sorted({(file.path, file.bytes, file.modified) for part in parts for file in part.files})
        if gone := set(map(tuple, known["files"])) - {*self._files}:
            raise InputError(
                f"{folder} has postings of another corpus: {len(gone):,} of its {len(known['files']):,} files are not "
                f"among these, or have changed, such as {min(gone)[0]}; choose another --out"
            )

    def scan(self, spellings: Sequence[Spelling], engine: Engine) -> list[list[Path]]:
        """Look for the spellings that were not looked for yet, and return the postings files of each part.

        Killed and started again, it goes on. A part that is added later is scanned for the earlier spellings too.
        """
        claim = Claim.attempt(self._folder / ".lock")
        if claim is None:
            raise InputError(f"another command works in {self._folder}: wait for its end, or choose another --out")
        try:
            known = {spelling for scan in self._scans for spelling in scan}
            if new := [spelling for spelling in spellings if spelling not in known]:
                self._scans.append(new)
            plain = {"format": FORMAT, "files": self._files, "scans": self._scans}
            replace_text(self._folder / _RECORD, json.dumps(plain, ensure_ascii=False, indent=1) + "\n")
            files = [[self._file(part, scan) for scan in self._scans] for part in self._parts]
            tasks = [
                ScanTask(part, tuple(scan), file)
                for part, of_part in zip(self._parts, files, strict=True)
                for scan, file in zip(self._scans, of_part, strict=True)
            ]
            run_stage(FileTasks("scan", tuple(tasks)), engine)
            return files
        finally:
            claim.release()

    def _file(self, part: Part, scan: Sequence[Spelling]) -> Path:
        key = hashlib.blake2b(json.dumps(scan).encode(), digest_size=8).hexdigest()
        return self._folder / "postings" / f"{part.name}-{key}.parquet"
