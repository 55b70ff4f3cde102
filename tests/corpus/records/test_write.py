import json
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.files import expand, split
from tanuki_jax.corpus.records.read import read
from tanuki_jax.corpus.records.types import Conversation, Document, Form, Message, Preference
from tanuki_jax.corpus.records.write import write

SUFFIXES = [".jsonl", ".jsonl.zst", ".parquet"]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
METADATA = st.dictionaries(TEXT | st.sampled_from(["id", "text", "messages", "metadata"]), VALUES, max_size=3)
FILLED = TEXT.filter(lambda text: bool(text.strip()))
DOCUMENTS = st.builds(Document, TEXT, FILLED, METADATA)
TURNS = st.lists(st.builds(Message, st.sampled_from(["user", "assistant"]), TEXT), min_size=1, max_size=4).map(tuple)
SYSTEM = st.builds(Message, st.just("system"), TEXT)
CONVERSATIONS = st.builds(
    Conversation, TEXT, TURNS | st.tuples(SYSTEM, TURNS).map(lambda both: (both[0], *both[1])), METADATA
)
CHATS = st.builds(
    Conversation,
    TEXT,
    st.tuples(
        st.none() | SYSTEM,
        st.lists(
            st.tuples(FILLED.map(partial(Message, "user")), FILLED.map(partial(Message, "assistant"))),
            min_size=1,
            max_size=3,
        ),
    ).map(lambda both: (*([both[0]] if both[0] else []), *(message for exchange in both[1] for message in exchange))),
    METADATA,
)
PREFERENCES = st.builds(
    Preference,
    TEXT,
    st.tuples(CHATS, FILLED).map(lambda both: (*both[0].messages, Message("user", both[1]))),
    FILLED,
    FILLED,
    METADATA,
).filter(lambda pair: pair.chosen != pair.rejected)
CHOICE = Preference("p", (Message("user", "質問"),), "good", "bad", {"judge": "rule"})


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=40)
@given(records=st.one_of(st.lists(DOCUMENTS), st.lists(CONVERSATIONS)))
def test_reading_back_gives_the_same_records(suffix: str, records: list[Document | Conversation]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, f"a{suffix}"), records)
        slices = [part for file in expand([f"{folder}/*"]) for part in split(file, 50)]
        assert [row.record for part in slices for row in read(part, text_field="text")] == records


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=25)
@given(chats=st.lists(CHATS, max_size=3), pairs=st.lists(PREFERENCES, max_size=3))
def test_chats_and_preferences_come_back_in_their_forms(
    suffix: str, chats: list[Conversation], pairs: list[Preference]
) -> None:
    cases: list[tuple[Form, Sequence[Conversation | Preference]]] = [
        ("chat", chats),
        ("preference", pairs),
        ("kto", pairs),
    ]
    for form, records in cases:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder, f"a{suffix}"), records)
            slices = [part for file in expand([f"{folder}/*"]) for part in split(file, 50)]
            assert [row.record for part in slices for row in read(part, text_field="text", form=form)] == records


def test_conversations_and_documents_share_a_file_of_json_lines(tmp_path: Path) -> None:
    records: list[Document | Conversation] = [Document("d", "text"), Conversation("c", (Message("user", "q"),))]
    write(tmp_path / "a.jsonl", records)
    (part,) = split(expand([f"{tmp_path}/a.jsonl"])[0], 1 << 20)
    assert [row.record for row in read(part, text_field="text")] == records


def test_preferences_have_plain_fields(tmp_path: Path) -> None:
    expected = {
        "id": "p",
        "prompt": [{"role": "user", "content": "質問"}],
        "chosen": "good",
        "rejected": "bad",
        "metadata": {"judge": "rule"},
    }
    write(tmp_path / "a.jsonl", [CHOICE])
    write(tmp_path / "a.parquet", [CHOICE])
    assert json.loads((tmp_path / "a.jsonl").read_text()) == expected
    (row,) = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert row | {"metadata": json.loads(row["metadata"])} == expected


def test_large_parquet_files_have_several_row_groups(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", (Document(str(number), "狸" * 30_000) for number in range(3000)))
    groups = pq.read_metadata(tmp_path / "a.parquet")
    assert [groups.row_group(index).num_rows for index in range(groups.num_row_groups)] == [1000, 1000, 1000]


def test_a_parquet_file_of_two_types_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not a Document and a Preference \(id p\)"):
        write(tmp_path / "a.parquet", [Document("d", "text"), CHOICE])


def test_an_unknown_suffix_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    records = iter([Document("d", "text")])
    with pytest.raises(InputError, match=r"a\.csv would be of no known format"):
        write(tmp_path / "a.csv", records)
    assert len(list(records)) == 1


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, suffix: str) -> None:
    def failing() -> Iterator[Document]:
        yield from [Document(str(number), "text") for number in range(2000)]
        raise RuntimeError("the source broke")

    path = tmp_path / f"a{suffix}"
    write(path, [Document("old", "text")])
    before = path.read_bytes()
    with pytest.raises(RuntimeError):
        write(path, failing())
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_metadata_without_a_json_form_is_written_as_text(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [Document("d", "text", {"path": Path("x/y")})])
    assert json.loads((tmp_path / "a.jsonl").read_text())["metadata"] == {"path": "x/y"}
