from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.files import Slice
from tanuki_jax.corpus.records.read import Row, read
from tanuki_jax.corpus.records.types import Document, Malformed


def test_blank_rows_count_and_are_not_returned(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "one", "id": 1}\n\n{"text": 2}\n\n')
    reader = read(Slice(str(path), 0, path.stat().st_size), text_field="text")
    malformed = Malformed("the field 'text' is not text but of type int")
    assert list(reader) == [Row(0, Document("1", "one")), Row(2, malformed)]
    assert reader.rows_read == 4


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.txt cannot be read"):
        next(read(Slice(str(tmp_path / "gone.txt"), 0, 5), text_field="text"))
