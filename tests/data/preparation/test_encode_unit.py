import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tanuki_jax.corpus.records.files import Slice
from tanuki_jax.data.preparation import encode_unit
from tanuki_jax.data.preparation.encode_unit import encode_in_worker, encode_text_unit
from tanuki_jax.data.preparation.part import Part, tokens_path
from tanuki_jax.data.preparation.work_units import FileUnit
from tanuki_jax.data.tokenizer.load import Tokenizer


def unit_of(path: Path) -> FileUnit:
    return FileUnit((Slice(str(path), 0, path.stat().st_size),), "text", 1)


@pytest.mark.parametrize(("batch_characters", "dtype"), [(1, np.uint16), (1 << 20, np.uint32)])
def test_every_document_ends_with_the_end_token_however_they_are_batched(
    tmp_path: Path,
    tokenizer: Tokenizer,
    texts: Callable[[int, int, int], list[str]],
    write_json_lines: Callable[[Path, list[str]], Path],
    batch_characters: int,
    dtype: type,
) -> None:
    documents = texts(1, 50, 40)
    path = tmp_path / "part.npz"
    unit = unit_of(write_json_lines(tmp_path / "a.jsonl", documents))
    count = encode_text_unit(unit, tokenizer, path, np.dtype(dtype).name, batch_characters=batch_characters)
    expected = [[*tokenizer.encode(text), tokenizer.eod] for text in documents]
    tokens: npt.NDArray[Any] = np.fromfile(tokens_path(path), dtype)
    assert tokens.tolist() == [token for ids in expected for token in ids] and count == len(tokens)
    part = Part.load(path)
    assert part.lengths.tolist() == [len(ids) for ids in expected]
    digests = [int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") for text in documents]
    assert part.digests.tolist() == digests
    assert part.rows.tolist() == [number + (number + 1) // 10 for number in range(50)]
    assert int(part.characters) == sum(map(len, documents)) and int(part.bytes) == sum(
        len(text.encode()) for text in documents
    )
    assert part.rows_read.tolist() == [55]


def test_documents_begin_with_the_ids_that_are_given(tmp_path: Path, tokenizer: Tokenizer) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "a"}\n{"text": "b"}\n')
    count = encode_text_unit(unit_of(file), tokenizer, tmp_path / "part.npz", "uint16", (1, 5))
    tokens = np.fromfile(tokens_path(tmp_path / "part.npz"), np.uint16).tolist()
    assert tokens == [token for text in "ab" for token in (1, 5, *tokenizer.encode(text), tokenizer.eod)]
    assert count == len(tokens) == Part.load(tmp_path / "part.npz").lengths.sum()


def test_an_unexpected_error_of_a_worker_names_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "a"}\n')
    monkeypatch.setattr(encode_unit, "_tokenizer", object(), raising=False)
    with pytest.raises(AttributeError) as raised:
        encode_in_worker(unit_of(file), tmp_path / "part.npz", "uint16", None)
    sent = pickle.loads(pickle.dumps(raised.value))
    assert sent.__notes__ == [f"The rows being encoded were of {file}, from position 0."]


def test_all_malformed_rows_are_counted_and_the_first_are_named(tmp_path: Path, tokenizer: Tokenizer) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"text": "good"}\n{"text": \n{"text": "\xff"}\n' + b"{}\n" * 30)
    encode_text_unit(unit_of(file), tokenizer, tmp_path / "part.npz", "uint16")
    part = Part.load(tmp_path / "part.npz")
    assert part.malformed == 32
    assert part.named_rows.tolist() == list(range(1, 21))
    assert (
        "not JSON" in part.named_reasons[0]
        and "invalid UTF-8" in part.named_reasons[1]
        and "no field 'text'" in part.named_reasons[2]
    )
    assert part.rows.tolist() == [0]


def test_a_unit_without_documents_is_an_empty_part(tmp_path: Path, tokenizer: Tokenizer) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("\n\n")
    assert encode_text_unit(unit_of(file), tokenizer, tmp_path / "part.npz", "uint16") == 0
    part = Part.load(tmp_path / "part.npz")
    assert len(part.lengths) == len(part.digests) == 0 and part.rows_read.tolist() == [2]


def test_an_error_leaves_no_file(tmp_path: Path, tokenizer: Tokenizer) -> None:
    missing = FileUnit((Slice(str(tmp_path / "none.txt"), 0, 5),), "text", 1)
    with pytest.raises(ValueError, match=r"none\.txt"):
        encode_text_unit(missing, tokenizer, tmp_path / "part.npz", "uint16")
    assert list(tmp_path.iterdir()) == []
