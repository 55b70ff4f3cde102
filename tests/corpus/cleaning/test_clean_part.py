from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tanuki_jax.corpus.cleaning.clean_part import clean_part
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.engines.stage import BEFORE_FIRST, Beacon
from tanuki_jax.corpus.cleaning.part_counts import PartCounts, read_counts
from tanuki_jax.corpus.cleaning.part_file import read_part
from tanuki_jax.corpus.cleaning.parts import cut
from tanuki_jax.corpus.cleaning.rules import rule_table
from tanuki_jax.corpus.cleaning.rules.length import Length
from tanuki_jax.corpus.records.types import Document
from tests.corpus.cleaning.corpora import pipeline, texts, write_lines


@dataclass(frozen=True)
class Cutting:
    """Cuts the digits at the beginning, and fails where there are none."""

    def apply(self, draft: Draft) -> str:
        """Cut them."""
        rest = draft.text.lstrip("0123456789")
        if rest == draft.text:
            raise ValueError("no digits")
        draft.text = rest
        return ""


@dataclass(frozen=True)
class Waiting:
    """Takes three documents at a time, drops those of an odd number, and fails on number 4."""

    batch: ClassVar[int] = 3
    batches: ClassVar[list[list[str]]] = []

    def apply_batch(self, drafts: Sequence[Draft]) -> list[str | Exception]:
        """Note the batch and where the beacon stands."""
        self.batches.append([draft.id for draft in drafts])
        RECORDS.append(BEACONS[0].read())
        numbers = [int(draft.id[1:]) for draft in drafts]
        return [ValueError("no answer") if n == 4 else "odd" if n % 2 else "" for n in numbers]

    def apply(self, draft: Draft) -> str:
        """Fail."""
        raise AssertionError("a batch is applied at once")


@dataclass(frozen=True)
class Noting:
    """Notes the record that the beacon shows."""

    def apply(self, draft: Draft) -> str:
        """Note it."""
        RECORDS.append(BEACONS[0].read())
        return ""


BEACONS: list[Beacon] = []
RECORDS: list[int] = []


@pytest.fixture
def with_cutting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add rules to the table."""
    for name, kind in (("cutting", Cutting), ("waiting", Waiting), ("noting", Noting)):
        monkeypatch.setitem(rule_table.RULES, name, kind)
        monkeypatch.setitem(rule_table._NAMES, kind, name)


def cleaned(file: Path, skipped: dict[int, str] | None = None, **fields: Any) -> tuple[list[Document], PartCounts]:
    """Return the documents of a file after cleaning, and the counts."""
    one = pipeline(file, **fields)
    [part] = cut(one, "k").parts
    out, counts = file.with_suffix(".parquet"), file.with_suffix(".json")
    BEACONS[:] = [Beacon(file.with_suffix(".beacon"), skipped)]
    clean_part(part, one, out, counts, BEACONS[0])
    return list(read_part(out)), read_counts(counts)


def test_counts_add_up_to_the_rows(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.jsonl", [*texts(50), {"text": 3}, {"no": "text"}])
    documents, counts = cleaned(file)
    assert (counts.rows, counts.kept, counts.dropped, counts.set_aside.total()) == (52, 40, 10, 2)
    assert counts.rows == counts.kept + counts.dropped + counts.set_aside.total()
    assert len(documents) == counts.pieces == 40
    assert counts.steps["length"].dropped == {"too short": 10}
    assert len(counts.places) == 2


@pytest.mark.usefixtures("with_cutting")
def test_a_document_says_what_each_rule_did_to_it(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.jsonl", texts(3, start=101))
    documents, counts = cleaned(file, rules=(Cutting(), Length(shortest=20)))
    assert [document.metadata["changes"] for document in documents] == [{"cutting": 3}] * 3
    assert counts.steps["cutting"].changed == 3
    assert counts.steps["cutting"].characters_cut == 9
    assert counts.steps["cutting"].changed_samples.rows[0]["before"].startswith("10")


@pytest.mark.usefixtures("with_cutting")
def test_a_record_on_which_a_rule_fails_is_set_aside_and_named(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.jsonl", [*texts(2), {"id": "bad", "text": "数字がない" * 10}, *texts(2, 2)])
    documents, counts = cleaned(file, rules=(Cutting(),))
    assert len(documents) == 4
    assert counts.set_aside == {"a record on which a rule failed": 1}
    assert "ValueError: no digits" in counts.places[0]
    assert f"{file}, byte 1" in counts.places[0]


@pytest.mark.usefixtures("with_cutting")
def test_a_rule_that_waits_gets_batches_and_no_record_is_blamed(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.jsonl", texts(8))
    Waiting.batches.clear()
    RECORDS.clear()
    documents, counts = cleaned(file, rules=(Length(shortest=20), Waiting(), Noting()))
    assert Waiting.batches == [["d1", "d2", "d3"], ["d4", "d6", "d7"]]
    assert [document.id for document in documents] == ["d2", "d6"]
    assert RECORDS == [BEFORE_FIRST, 2, BEFORE_FIRST, 6]  # while it waits, and behind it
    assert counts.steps["waiting"].dropped == {"odd": 3}
    assert counts.steps["noting"].documents == 2
    assert counts.set_aside == {"a record on which a rule failed": 1}
    assert counts.rows == counts.kept + counts.dropped + 1


def test_a_record_that_a_worker_died_on_is_set_aside(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.jsonl", texts(10, start=1))
    documents, counts = cleaned(file, {3: "ended its process (SIGSEGV)"}, rules=())
    assert [document.id for document in documents] == [f"d{n}" for n in range(1, 11) if n != 4]
    assert counts.set_aside == {"a record on which a worker failed": 1}


def test_long_documents_become_pieces_of_their_parent(tmp_path: Path) -> None:
    text = "これは文です。" * 100
    documents, counts = cleaned(write_lines(tmp_path / "a.jsonl", [{"id": "a", "text": text}]), split_characters=300)
    assert [document.id for document in documents] == ["a#0", "a#1", "a#2"]
    assert all(document.metadata["parents"] == ["a"] for document in documents)
    assert "".join(document.text for document in documents) == text
    assert (counts.kept, counts.pieces) == (1, 3)
