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
from tanuki_jax.config.mixture import Form
from tanuki_jax.corpus.records.files import expand
from tanuki_jax.corpus.records.read import read, split
from tanuki_jax.corpus.records.types import Conversation, Document, Message, Preference
from tanuki_jax.corpus.records.write import write
from tests.corpus.records.conftest import records as read_records

SUFFIXES = [".jsonl", ".jsonl.zst", ".parquet"]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
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
def test_reading_back_chats_and_preferences_gives_the_same_records(
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


@pytest.mark.parametrize("suffix", [".csv", ".txt", ".json.gz", ".JSONL"])
def test_another_suffix_is_refused_before_a_record_is_read(tmp_path: Path, suffix: str) -> None:
    records = iter([Document("d", "text")])
    with pytest.raises(InputError, match=r"cannot be written: .* use one of \.jsonl, \.jsonl\.zst, \.parquet$"):
        write(tmp_path / f"a{suffix}", records)
    assert len(list(records)) == 1


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failed_write_leaves_only_the_old_file(tmp_path: Path, suffix: str) -> None:
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


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_numbers_that_json_does_not_have_are_written_as_null(tmp_path: Path, suffix: str) -> None:
    metadata = {"x": float("nan"), "y": {"z": [1.5, float("-inf"), "NaN"]}, "w": float("inf")}
    write(tmp_path / f"a{suffix}", [Document("a", "b", metadata)])
    [written] = read_records(tmp_path / f"a{suffix}")
    assert written == Document("a", "b", {"x": None, "y": {"z": [1.5, None, "NaN"]}, "w": None})
