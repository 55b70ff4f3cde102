import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.duplicates.signature_files import band, is_current, open_signatures, sign_part

SETTINGS = Duplicates(bands=8)


def write(path: Path, texts: Sequence[str], **columns: Sequence[float | None]) -> Path:
    ids = [str(number) for number in range(len(texts))]
    pq.write_table(pa.table({"id": ids, "text": pa.array(texts, pa.string()), **columns}), path)
    return path


def test_copies_inside_a_part_are_signed_once(tmp_path: Path) -> None:
    texts = ["あいうえおかきくけこ", "あいう", "あいう えお\nかきくけこ", "ほかの文です。ほかの文です。", ""]
    part = write(tmp_path / "part.parquet", texts, quality=[0.5, None, 2, 3, 4])
    sign_part(part, tmp_path / "out", SETTINGS, "quality")
    file = open_signatures(tmp_path / "out", SETTINGS)
    hashes = file.read("hashes")
    assert hashes[0] == hashes[2] and len(set(hashes.tolist())) == 4
    assert np.array_equal(hashes[file["sorted_rows"]], np.sort(hashes))
    assert file.read("lengths").tolist() == [10, 3, 12, 14, 0]
    assert file.read("scores").tolist() == [0.5, 0, 2, 3, 4]
    for number in range(SETTINGS.bands):
        keys, rows = band(file, number)
        assert sorted(rows.tolist()) == [0, 3]
        assert keys[0] <= keys[1]
    starts = file.read("sketch_starts").tolist()
    assert np.diff(starts).tolist() == [6, 0, 0, 7, 0]  # the last text repeats its seven shingles


def test_an_empty_part_has_a_file_too(tmp_path: Path) -> None:
    sign_part(write(tmp_path / "part.parquet", []), tmp_path / "out", SETTINGS)
    assert open_signatures(tmp_path / "out", SETTINGS).facts["documents"] == 0


def test_batches_do_not_show(tmp_path: Path) -> None:
    texts = [chr(0x4E00 + number) * (1 + number % 40) + "本文がここに続きます" for number in range(1300)]
    sign_part(write(tmp_path / "part.parquet", texts), tmp_path / "all", SETTINGS)
    together = open_signatures(tmp_path / "all", SETTINGS)
    sign_part(write(tmp_path / "tail.parquet", texts[1100:]), tmp_path / "tail", SETTINGS)
    alone = open_signatures(tmp_path / "tail", SETTINGS)
    for name in ("hashes", "locality", "lengths", "levels"):
        assert np.array_equal(together[name][1100:], alone[name])
    first = int(together["sketch_starts"][1100])
    assert np.array_equal(together["sketch"][first:], alone["sketch"])


def test_a_file_of_other_settings_or_another_part_is_refused(tmp_path: Path) -> None:
    part, out = write(tmp_path / "part.parquet", ["文章が一つあります"]), tmp_path / "out"
    assert not is_current(part, out, SETTINGS)
    sign_part(part, out, SETTINGS)
    assert is_current(part, out, dataclasses.replace(SETTINGS, similarity=0.5))
    with pytest.raises(InputError, match="was made with shingle = 5, and shingle is 7 now"):
        is_current(part, out, dataclasses.replace(SETTINGS, shingle=7))
    write(part, ["文章が一つあります", "もう一つ"])
    with pytest.raises(InputError, match="has changed since"):
        is_current(part, out, SETTINGS)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    part = write(tmp_path / "part.parquet", ["文章"])
    with pytest.raises(InputError, match=r"no column 'rank'; it has id, text"):
        sign_part(part, tmp_path / "out", SETTINGS, "rank")
