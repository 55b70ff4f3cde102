"""The folder of a coverage run: postings of each part of a corpus, for all spellings that were ever looked for."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

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
        self._files = sorted({(file.path, file.bytes, file.modified) for part in parts for file in part.files})
        try:
            (folder / "postings").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"the folder {folder} cannot be made: {(error.strerror or str(error)).lower()}") from None
        self._read_scans()  # raises the error before the corpus is read

    def _read_scans(self) -> list[list[Spelling]]:
        """Return the spellings of each scan so far. InputError if they were of another corpus or format."""
        record, folder = self._folder / _RECORD, self._folder
        if not record.exists():
            return []
        known = json.loads(record.read_text("utf-8"))
        if known["format"] != FORMAT:
            raise InputError(f"{folder} has postings of another version: delete the folder, or choose another --out")
        if gone := set(map(tuple, known["files"])) - {*self._files}:
            raise InputError(
                f"{folder} has postings of another corpus: {len(gone):,} of its {len(known['files']):,} files are not "
                f"among these, or have changed, such as {min(gone)[0]}; choose another --out"
            )
        return [[(text, inside) for text, inside in scan] for scan in known["scans"]]

    def scan(self, spellings: Sequence[Spelling], engine: Engine) -> list[list[Path]]:
        """Look for the spellings that were not looked for yet, and return the postings files of each part.

        Killed and started again, it goes on. A part that is added later is scanned for the earlier spellings too.
        """
        claim = Claim.attempt(self._folder / ".lock")
        if claim is None:
            raise InputError(f"another command works in {self._folder}: wait for its end, or choose another --out")
        try:
            scans = self._read_scans()  # again: another command may have scanned for other words since
            known = {spelling for scan in scans for spelling in scan}
            if new := [spelling for spelling in spellings if spelling not in known]:
                scans.append(new)
            plain = {"format": FORMAT, "files": self._files, "scans": scans}
            replace_text(self._folder / _RECORD, json.dumps(plain, ensure_ascii=False, indent=1) + "\n")
            files = [[self._file(part, scan) for scan in scans] for part in self._parts]
            tasks = [
                ScanTask(part, tuple(scan), file)
                for part, of_part in zip(self._parts, files, strict=True)
                for scan, file in zip(scans, of_part, strict=True)
            ]
            run_stage(FileTasks("scan", tuple(tasks)), engine)
            return files
        finally:
            claim.release()

    def _file(self, part: Part, scan: Sequence[Spelling]) -> Path:
        key = hashlib.blake2b(json.dumps(scan).encode(), digest_size=8).hexdigest()
        return self._folder / "postings" / f"{part.name}-{key}.parquet"
