"""The last stages of a run: near copies among the records are found, and the others are written."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tanuki_jax.base.atomic import replacing
from tanuki_jax.corpus.cleaning.duplicates.array_file import ArrayFile
from tanuki_jax.corpus.cleaning.duplicates.clusters import FATES
from tanuki_jax.corpus.cleaning.duplicates.deduplicate import stages
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.engines.engine import Engine
from tanuki_jax.corpus.cleaning.engines.run_stage import run_stage
from tanuki_jax.corpus.cleaning.file_tasks import FileTasks, output
from tanuki_jax.corpus.synthesis.part_files import RECORDS, PartFiles

_PARTS_OF_A_TASK = 4


@dataclass(frozen=True)
class _Write:
    """Writing of the records of one part that are no copies."""

    made: Path
    fates: Path | None
    """File of the records that are kept; None: all are."""
    out: Path

    def run(self) -> None:
        """Write the file."""
        table = pq.read_table(self.made)
        if self.fates is not None:
            table = table.filter(pa.array(ArrayFile(self.fates, FATES, {})["kept"].astype(bool)))
        with replacing(self.out) as partial:
            pq.write_table(table, partial, compression="zstd")


@dataclass(frozen=True)
class Written:
    """Records of a run."""

    files: tuple[Path, ...]
    """Parquet files of the records, in the order of the parts."""
    kept: int
    copies: int
    """Number of records that were left out as copies of others."""
    record: str
    """Kind of the records: document, conversation, preference; empty: there are none."""


def write_without_copies(
    folder: Path, files: Sequence[PartFiles], settings: Duplicates | None, engine: Engine
) -> Written:
    """Write the records of a run, one file a part.

    Which one of several copies is kept does not depend on how the run was divided into parts.

    Args:
        folder: folder of the run.
        files: files of all parts, whose records are made.
        settings: settings of the search; None: nothing is searched.
        engine: runs the tasks.
    """
    names = [[each.name, each.key, each.own_key] for each in files]
    key = hashlib.blake2b(json.dumps([names, repr(settings)]).encode(), digest_size=6).hexdigest()
    work, with_records = folder / "copies" / key, [each for each in files if each.made.exists()]
    if settings is not None:
        texts, tasks = [each.texts for each in with_records], max(2, len(with_records) // _PARTS_OF_A_TASK)
        for name, calls in stages(texts, work / "signatures", work, settings, tasks=tasks):
            run_stage(FileTasks(name, tuple(calls)), engine)
    fates = [None if settings is None else output(work, "fates", index) for index in range(len(with_records))]
    (folder / RECORDS).mkdir(exist_ok=True)
    writing = [
        _Write(each.made, fate, folder / RECORDS / f"{each.name}.{key}.parquet")
        for each, fate in zip(with_records, fates, strict=True)
    ]
    run_stage(FileTasks("records", tuple(writing)), engine)
    shutil.rmtree(folder / "copies", ignore_errors=True)
    kept = sum(pq.read_metadata(each.out).num_rows for each in writing)
    made = sum(pq.read_metadata(each.made).num_rows for each in writing)
    return Written(tuple(each.out for each in writing), kept, made - kept, _kind(writing))


def _kind(writing: Sequence[_Write]) -> str:
    """Return the kind of the records by the columns of their files."""
    if not writing:
        return ""
    columns = set(pq.read_schema(writing[0].made).names)
    return "document" if "text" in columns else "conversation" if "messages" in columns else "preference"
