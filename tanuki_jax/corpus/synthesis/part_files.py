"""Files of the parts of a run in its folder."""

import dataclasses
import json
from pathlib import Path

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.corpus.synthesis.part_totals import PartTotals

JOURNAL, MADE, TEXTS, DROPPED, COUNTS, STATUS = "journal", "made", "texts", "dropped", "counts", "status"
RECORDS = "records"
"""Folders of a run's files of one kind, with a file for each part."""


@dataclasses.dataclass(frozen=True)
class PartFiles:
    """Files of one part."""

    folder: Path
    """Folder of the run."""
    name: str
    """Stem of the files."""
    key: str
    """Hash of all that determines the records besides the input."""
    own_key: str
    """Hash of which items the part has."""

    @property
    def _keys(self) -> str:
        return f"{self.key}-{self.own_key}"

    @property
    def journal(self) -> Path:
        """Return the file of the teacher's answers. It does not depend on the key, because each answer has its own."""
        return self.folder / JOURNAL / f"{self.name}.jsonl.zst"

    @property
    def made(self) -> Path:
        """Return the file of the records that the filters kept."""
        return self.folder / MADE / f"{self.name}.{self._keys}.parquet"

    @property
    def texts(self) -> Path:
        """Return the file of what the teacher wrote in them: `id`, `text`, `style`, in the same order."""
        return self.folder / TEXTS / f"{self.name}.{self._keys}.parquet"

    @property
    def dropped(self) -> Path:
        """Return the file of the items that gave no record, with the reasons."""
        return self.folder / DROPPED / f"{self.name}.{self._keys}.jsonl"

    @property
    def counts(self) -> Path:
        """Return the file of the counts, which is written last."""
        return self.folder / COUNTS / f"{self.name}.{self._keys}.json"

    @property
    def status(self) -> Path:
        """Return the file in which a task that is at work shows its counts."""
        return self.folder / STATUS / f"{self.name}.{self._keys}.json"

    def make_folders(self) -> None:
        """Make the folders of the files."""
        for name in (JOURNAL, MADE, RECORDS, TEXTS, DROPPED, COUNTS, STATUS):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def read_totals(self) -> PartTotals:
        """Return the counts of the part, as far as it got."""
        for path in (self.counts, self.status):
            try:
                return PartTotals.from_plain(json.loads(path.read_text("utf-8")))
            except (FileNotFoundError, ValueError, AttributeError):  # missing, or not written before the machine failed
                continue
        return PartTotals()

    def write_status(self, totals: PartTotals) -> None:
        """Show the counts of the part while it is at work."""
        replace_text(self.status, json.dumps(totals.to_plain(), ensure_ascii=False), sync=False)

    def write_counts(self, totals: PartTotals) -> None:
        """Write the counts of the finished part."""
        replace_text(self.counts, json.dumps(totals.to_plain(), ensure_ascii=False))
        self.status.unlink(missing_ok=True)
