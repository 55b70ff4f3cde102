import dataclasses
from pathlib import Path

import numpy as np

from tanuki_jax.data.preparation.part import FAULTS, Part, learned_path, tokens_path

TEXTS = Part(
    lengths=np.array([5, 2]),
    digests=np.array([7, 8], np.uint64),
    pieces=np.array([0, 1], np.int32),
    rows=np.array([0, 3]),
    malformed=np.array(1),
    named_pieces=np.array([1], np.int32),
    named_rows=np.array([2]),
    named_reasons=np.array(["not JSON"]),
    rows_read=np.array([1, 4]),
    characters=np.array(20),
    bytes=np.array(40),
)
COUNT = np.array(3)


def test_a_part_reads_back_as_written(tmp_path: Path) -> None:
    chats = dataclasses.replace(TEXTS, named_kinds=np.array(["dropped"]), dropped=COUNT, shortened=COUNT, learned=COUNT)
    for part in (TEXTS, chats):
        part.finish(tmp_path / "0.npz")
        again = Part.load(tmp_path / "0.npz")
        for field in dataclasses.fields(Part):
            expected = getattr(part, field.name)
            if expected is None:
                assert getattr(again, field.name) is None
            else:
                np.testing.assert_array_equal(getattr(again, field.name), expected, strict=True)
    assert [path.name for path in tmp_path.iterdir()] == ["0.npz"]


def test_every_fault_is_a_column() -> None:
    assert set(FAULTS) <= {field.name for field in dataclasses.fields(Part)}


def test_tokens_and_mask_are_files_of_the_same_name() -> None:
    paths = [tokens_path(Path("parts/7.npz")), learned_path(Path("parts/7.npz"))]
    assert paths == [Path("parts/7.tokens"), Path("parts/7.learned")]
