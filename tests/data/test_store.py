import errno
import json
import mmap
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanuki_jax.base.errors import InputError
from tanuki_jax.data.store import Input, Origin, Store, StoreWriter
from tests.faults.preload import compiled

INPUTS = (Input("a.jsonl", 100), Input("b.jsonl", 200))


SMALL: dict[str, Any] = {"chunk_items": 64, "shard_bytes": 4096}
"""Sizes with which a few documents fill several shards."""


def writer(
    folder: Path, vocabulary: int = 65_000, tokenizer: str = "tokenizer", source: str = "source", **sizes: Any
) -> StoreWriter:
    return StoreWriter(
        folder,
        source=source,
        tokenizer_fingerprint=tokenizer,
        vocabulary=vocabulary,
        inputs=INPUTS,
        settings={"text_field": "text"},
        **sizes,
    )


def append(into: StoreWriter, documents: list[list[int]], first: int = 0) -> None:
    """Append documents numbered from `first`; digests, files and rows are derived from the number."""
    numbers = np.arange(first, first + len(documents))
    into.append(
        np.array([token for document in documents for token in document], into.dtype),
        np.array([len(document) for document in documents], np.int64),
        numbers.astype(np.uint64) * 3,
        (numbers % 2).astype(np.int32),
        numbers + 10,
    )


def written(folder: Path, documents: list[list[int]], **options: Any) -> Store:
    with writer(folder, **options) as into:
        append(into, documents)
        return into.commit({})


def random_documents(seed: int, count: int, longest: int) -> list[list[int]]:
    random = np.random.default_rng(seed)
    return [random.integers(0, 65_000, random.integers(1, longest)).tolist() for _ in range(count)]


@given(data=st.data(), documents=st.lists(st.lists(st.integers(0, 64_999), min_size=1, max_size=300), max_size=40))
@settings(max_examples=12)
def test_any_spans_read_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, documents: list[list[int]]
) -> None:
    made = written(tmp_path_factory.mktemp("store") / "s", documents, **SMALL)
    tokens = np.array([token for document in documents for token in document], np.uint16)
    assert (made.tokens, made.documents) == (len(tokens), len(documents))
    np.testing.assert_array_equal(made.offsets, np.cumsum([0, *map(len, documents)]))
    np.testing.assert_array_equal(made.digests, np.arange(len(documents)) * 3)
    starts = data.draw(st.lists(st.integers(0, len(tokens)), max_size=20))
    lengths = [data.draw(st.integers(0, min(500, len(tokens) - start))) for start in starts]
    spans = made.read(np.array(starts, np.int64), np.array(lengths, np.int64))
    expected: npt.NDArray[np.uint16] = np.concatenate(
        [tokens[s : s + n] for s, n in zip(starts, lengths, strict=True)] or [tokens[:0]]
    )
    np.testing.assert_array_equal(spans, expected)


def test_the_arrays_are_sharded_compressed_zarr3_that_any_reader_opens(tmp_path: Path) -> None:
    documents = random_documents(0, 50, 400)
    made = written(tmp_path / "s", documents, **SMALL)
    assert len(list((made.folder / "tokens" / "c").iterdir())) == -(-made.tokens * 2 // 4096) > 1
    metadata = json.loads((made.folder / "tokens" / "zarr.json").read_text())
    assert (metadata["zarr_format"], metadata["shape"], metadata["data_type"]) == (3, [made.tokens], "uint16")
    (sharding,) = metadata["codecs"]
    assert sharding["configuration"]["chunk_shape"] == [64]
    assert [codec["name"] for codec in sharding["configuration"]["codecs"]] == ["bytes", "zstd", "crc32c"]


@pytest.mark.parametrize(("vocabulary", "dtype"), [(65_536, np.uint16), (65_537, np.uint32)])
def test_tokens_are_as_narrow_as_the_vocabulary_allows(tmp_path: Path, vocabulary: int, dtype: type) -> None:
    made = written(tmp_path / "s", [[vocabulary - 1, 0]], vocabulary=vocabulary)
    tokens = made.read(np.array([0]), np.array([2]))
    assert tokens.dtype == dtype and tokens.tolist() == [vocabulary - 1, 0]


def test_the_fingerprint_depends_on_the_content_not_on_how_it_was_added(tmp_path: Path) -> None:
    documents = random_documents(1, 60, 200)
    with writer(tmp_path / "by_sevens", **SMALL) as into:
        for first in range(0, 60, 7):
            append(into, documents[first : first + 7], first)
        by_sevens = into.commit({"note": "statistics do not count"})
    at_once = written(tmp_path / "at_once", documents)
    assert by_sevens.fingerprint == at_once.fingerprint
    other = [*documents[:-1], [*documents[-1][:-1], (documents[-1][-1] + 1) % 65_000]]
    assert written(tmp_path / "other", other).fingerprint != at_once.fingerprint
    assert written(tmp_path / "tokenizer", documents, tokenizer="another").fingerprint != at_once.fingerprint
    moved = [documents[0] + documents[1][:1], documents[1][1:] or [0], *documents[2:]]
    assert written(tmp_path / "moved", moved).fingerprint != at_once.fingerprint


def test_a_document_is_traced_to_its_file_and_row(tmp_path: Path) -> None:
    made = written(tmp_path / "s", [[1], [2], [3]], source="books")
    assert [made.origin(document) for document in range(3)] == [
        Origin("books", "a.jsonl", 10),
        Origin("books", "b.jsonl", 11),
        Origin("books", "a.jsonl", 12),
    ]


def test_a_store_opened_again_is_the_one_that_was_committed(tmp_path: Path) -> None:
    made = written(tmp_path / "s", [[1, 2], [3]], source="books", vocabulary=70_000)
    again = Store.open(tmp_path / "s")
    attributes = (
        "name",
        "fingerprint",
        "tokenizer_fingerprint",
        "vocabulary",
        "tokens",
        "documents",
        "inputs",
        "settings",
        "statistics",
    )
    assert [getattr(again, name) for name in attributes] == [getattr(made, name) for name in attributes]
    assert (again.name, again.vocabulary, again.inputs, again.settings) == (
        "books",
        70_000,
        INPUTS,
        {"text_field": "text"},
    )


def test_several_threads_read_the_same_as_one(tmp_path: Path) -> None:
    made = written(tmp_path / "s", random_documents(2, 300, 300), **SMALL)
    random = np.random.default_rng(3)
    requests = [
        (starts := random.integers(0, made.tokens - 200, 40), random.integers(1, 200, len(starts))) for _ in range(40)
    ]
    alone = [made.read(starts, lengths) for starts, lengths in requests]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda request: Store.open(made.folder).read(*request), requests))
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a, b)


def test_there_is_no_folder_before_commit_nor_after_an_error(tmp_path: Path) -> None:
    def fail() -> None:
        with writer(tmp_path / "s") as into:
            append(into, [[1, 2]])
            assert not (tmp_path / "s").exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_writer_deletes_the_draft_of_a_killed_one(tmp_path: Path) -> None:
    killed = writer(tmp_path / "s")
    append(killed, [[9, 9, 9]])
    assert written(tmp_path / "s", [[1, 2]]).tokens == 2
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_a_store_is_never_overwritten(tmp_path: Path) -> None:
    written(tmp_path / "s", [[1]])
    with pytest.raises(InputError, match=r"s exists already; delete it"):
        writer(tmp_path / "s")


def test_a_missing_store_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"no token store at {tmp_path}/none .*tanuki_jax\.prepare"):
        Store.open(tmp_path / "none")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "store.json").unlink(), "store.json is missing"),
        (lambda folder: (folder / "store.json").write_text("{"), "store.json is damaged"),
        (lambda folder: (folder / "offsets" / "zarr.json").unlink(), "has no readable offsets"),
        (lambda folder: rewrite(folder, format=3), "format 3, this version reads formats 1 and 2"),
        (lambda folder: rewrite(folder, tokens=4), r"tokens is uint16\[3\], where store.json says uint16\[4\]"),
        (lambda folder: rewrite(folder, dtype="uint32"), r"tokens is uint16\[3\], where store.json says uint32\[3\]"),
    ],
)
def test_an_incomplete_or_foreign_store_is_refused(tmp_path: Path, spoil: Any, message: str) -> None:
    spoil(written(tmp_path / "s", [[1, 2], [3]]).folder)
    with pytest.raises(InputError, match=message):
        Store.open(tmp_path / "s")


def rewrite(folder: Path, **changes: Any) -> None:
    path = folder / "store.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_damaged_tokens_are_detected_by_their_checksum(tmp_path: Path) -> None:
    made = written(tmp_path / "s", random_documents(4, 20, 500))
    shard = made.folder / "tokens" / "c" / "0"
    content = bytearray(shard.read_bytes())
    content[200] ^= 1
    shard.write_bytes(content)
    with pytest.raises(InputError, match="is damaged"):
        Store.open(made.folder).read(np.array([0]), np.array([made.tokens]))


def test_a_lost_file_is_detected_and_zeros_are_not_taken_for_one(tmp_path: Path) -> None:
    made = written(tmp_path / "s", [[0] * 200, *random_documents(5, 20, 500)], **SMALL)
    np.testing.assert_array_equal(made.read(np.array([0]), np.array([200])), 0)
    (made.folder / "tokens" / "c" / "0").unlink()
    with pytest.raises(InputError, match=r"is missing.*prepare it again"):
        Store.open(made.folder).read(np.array([0]), np.array([200]))


READ = """
import sys
import numpy as np
from tanuki_jax.data.store import Store
store = Store.open(sys.argv[1])
tokens = store.read(np.array([0, 100]), np.array([store.tokens - 100, 50]))
print(tokens.sum(), store.offsets.sum(), store.digests.sum(), store.origin(7).row)
"""


def read_in_a_process(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    words = (sys.executable, "-c", READ, str(folder))
    return subprocess.run(words, env=os.environ | environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "number",
    [
        errno.EIO,
        *(pytest.param(number, marks=pytest.mark.long) for number in (errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN)),
    ],
)
def test_reads_that_fail_now_and_then_give_the_same_data(tmp_path: Path, number: int) -> None:
    """Fail every fourth system call that reads the store; all kinds of calls are hit."""
    made = written(tmp_path / "s", random_documents(6, 20, 300), **SMALL)
    io = compiled(tmp_path)
    failing = read_in_a_process(made.folder, **io.environment("/s/", on="reads", every=4, number=number))
    assert failing.stdout == read_in_a_process(made.folder).stdout != "", failing.stderr
    assert 3 <= failing.stderr.count(f"failed ({os.strerror(number)}); trying again in") <= len(io.failed())


FULL_DISK = """
import resource, signal, sys
import numpy as np
from tanuki_jax.data.store import Input, StoreWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    options = dict(source="s", tokenizer_fingerprint="t", vocabulary=60_000, inputs=[Input("a", 1)], settings={})
    with StoreWriter(sys.argv[1], **options) as into:
        tokens = np.random.default_rng(0).integers(0, 60_000, 1_000_000).astype(np.uint16)
        one = np.ones(1, np.int64)
        into.append(tokens, one * len(tokens), one.astype(np.uint64), one.astype(np.int32) * 0, one)
        into.commit({})
except OSError as error:
    sys.exit(error.errno)
"""


def test_a_refused_write_is_an_oserror_and_leaves_nothing(tmp_path: Path) -> None:
    code = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path / "s")], check=False).returncode
    assert code == errno.EFBIG
    assert list(tmp_path.iterdir()) == []


def chats(
    folder: Path, documents: list[list[int]], learned: list[list[int]], documents_per_record: int = 1, **sizes: Any
) -> Store:
    """Write a store with a mask of learned tokens."""
    counts = np.array([len(document) for document in documents])
    numbers = np.arange(len(documents))
    with StoreWriter(
        folder,
        source="chats",
        tokenizer_fingerprint="tokenizer",
        vocabulary=65_000,
        inputs=INPUTS,
        settings={},
        has_learned=True,
        documents_per_record=documents_per_record,
        **sizes,
    ) as into:
        columns = (numbers.astype(np.uint64), np.zeros(len(documents), np.int32), numbers)
        into.append(
            np.concatenate(documents).astype(into.dtype),
            counts,
            *columns,
            learned=np.concatenate(learned).astype(np.uint8),
        )
        return into.commit({})


def test_the_mask_of_learned_tokens_reads_back(tmp_path: Path) -> None:
    documents = random_documents(2, 40, 300)
    learned = [[token % 3 == 0 for token in document] for document in documents]
    made = chats(tmp_path / "s", documents, [[int(flag) for flag in flags] for flags in learned], **SMALL)
    starts, lengths = made.offsets[[30, 3, 17]], np.diff(made.offsets)[[30, 3, 17]]
    assert made.read_learned(starts, lengths).tolist() == [flag for number in (30, 3, 17) for flag in learned[number]]
    assert (made.has_learned, made.documents_per_record) == (True, 1)
    description = json.loads((made.folder / "store.json").read_text())
    assert (description["has_learned"], description["documents_per_record"]) == (True, 1)


def test_all_tokens_of_texts_are_learned(tmp_path: Path) -> None:
    made = written(tmp_path / "s", [[5, 6, 7], [8]])
    assert made.read_learned(np.array([0, 1]), np.array([3, 2])).tolist() == [1] * 5
    assert (made.has_learned, made.documents_per_record) == (False, 1)
    assert not {"has_learned", "documents_per_record"} & set(json.loads((made.folder / "store.json").read_text()))
    assert not (made.folder / "learned").exists()


def test_the_fingerprint_depends_on_the_mask_and_on_records(tmp_path: Path) -> None:
    documents, learned = [[5, 6, 7], [8, 9]], [[0, 1, 1], [0, 1]]
    stores = [
        chats(tmp_path / "a", documents, learned),
        chats(tmp_path / "b", documents, [[0, 0, 1], [0, 1]]),
        chats(tmp_path / "c", documents, learned, documents_per_record=2),
        written(tmp_path / "d", documents),
    ]
    assert len({made.fingerprint for made in stores}) == 4
    assert chats(tmp_path / "e", documents, learned).fingerprint == stores[0].fingerprint


def test_a_large_store_maps_copies_that_may_be_deleted(tmp_path: Path) -> None:
    documents = random_documents(7, 300, 40)
    small = written(tmp_path / "s", documents, **SMALL)
    assert small.offsets[-1] == small.tokens and not isinstance(mapping_of(small.offsets), mmap.mmap)
    assert not (tmp_path / "s" / "plans").exists()
    for _ in range(2):
        large = Store.open(tmp_path / "s", mapped_from=300)
        np.testing.assert_array_equal(large.offsets, np.cumsum([0, *map(len, documents)]))
        np.testing.assert_array_equal(large.digests, np.arange(300) * 3)
        assert isinstance(mapping_of(large.offsets), mmap.mmap) and isinstance(mapping_of(large.digests), mmap.mmap)
        (copies,) = (tmp_path / "s" / "plans").iterdir()
        assert copies.name == f"documents-{large.fingerprint}"
        before = (copies / "offsets.npy").stat().st_ino
        np.testing.assert_array_equal(Store.open(tmp_path / "s", mapped_from=300).offsets, large.offsets)
        assert (copies / "offsets.npy").stat().st_ino == before
        shutil.rmtree(copies)
        assert large.offsets[-1] == large.tokens


def mapping_of(array: npt.NDArray[Any]) -> object:
    """Return the object whose memory an array is a view of."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base.obj if isinstance(base, memoryview) else base


def test_writers_with_drafts_elsewhere_make_one_store(tmp_path: Path) -> None:
    (tmp_path / "drafts").mkdir()
    slow = writer(tmp_path / "s", drafts=tmp_path / "drafts")
    append(slow, [[1, 2], [3]])
    with writer(tmp_path / "s", drafts=tmp_path / "drafts") as fast:
        append(fast, [[1, 2], [3]])
        first = fast.commit({})
    late = writer(tmp_path / "s", drafts=tmp_path / "drafts")
    append(late, [[1, 2], [3]])
    for other in (slow, late):
        with other:
            assert other.commit({}).fingerprint == first.fingerprint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drafts", "s"]
    assert list((tmp_path / "drafts").iterdir()) == []
