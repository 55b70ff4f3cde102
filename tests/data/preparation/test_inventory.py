from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.corpus.records.files import Slice
from tanuki_jax.data.preparation import inventory
from tanuki_jax.data.preparation.inventory import Inventory, take_inventory
from tanuki_jax.data.preparation.work_units import FileUnit, TaskUnit
from tanuki_jax.data.store import Input


def taken(*sources: Source) -> list[Inventory]:
    return take_inventory(Mixture(sources=sources, stages=(Stage(weights={source.name: 1.0 for source in sources}),)))


def write(path: Path, size: int) -> str:
    path.write_bytes(b"x" * (size - 1) + b"\n")
    return str(path)


@pytest.fixture
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "UNIT_BYTES", (100, 100))


def test_small_files_are_grouped_and_large_ones_cut(small_units: None, tmp_path: Path) -> None:
    sizes = {"a.txt": 40, "b.txt": 50, "c.txt": 30, "d.jsonl": 250, "e.txt": 500, "f.txt": 10}
    paths = [write(tmp_path / name, size) for name, size in sizes.items()]
    (found,) = taken(Source(name="s", paths=(str(tmp_path / "*"),), text_field="body"))
    assert found.inputs == tuple(Input(path, size) for path, size in zip(paths, sizes.values(), strict=True))
    assert found.settings == {"text_field": "body"}
    units = [
        [(Path(part.path).name, part.start, part.stop) for part in unit.slices]
        for unit in found.units
        if isinstance(unit, FileUnit)
    ]
    assert units == [
        [("a.txt", 0, 40), ("b.txt", 0, 50), ("c.txt", 0, 30)],
        [("d.jsonl", 0, 100)],
        [("d.jsonl", 100, 200)],
        [("d.jsonl", 200, 250), ("e.txt", 0, 500)],
        [("f.txt", 0, 10)],
    ]
    assert [unit.work for unit in found.units] == [120, 100, 100, 550, 10]


def test_a_unit_has_no_more_files_than_its_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(inventory, "UNIT_FILES", 3)
    for number in range(7):
        write(tmp_path / f"{number}.txt", 10)
    (found,) = taken(Source(name="s", paths=(str(tmp_path / "*.txt"),)))
    assert [len(unit.paths) for unit in found.units] == [3, 3, 1]


def test_empty_files_have_no_unit_but_are_inputs(small_units: None, tmp_path: Path) -> None:
    full = write(tmp_path / "full.txt", 20)
    (tmp_path / "empty.txt").touch()
    (found,) = taken(Source(name="s", paths=(str(tmp_path / "*.txt"),)))
    assert found.units == (FileUnit((Slice(full, 0, 20),), "text", 20),)
    assert [Path(entry.path).name for entry in found.inputs] == ["empty.txt", "full.txt"]


def test_tasks_share_the_documents_of_their_source() -> None:
    (found,) = taken(Source(name="s", tasks=("arithmetic", "table", "dialogue"), documents=5_000))
    written = {family: 0 for family in ("arithmetic", "table", "dialogue")}
    for unit in found.units:
        assert isinstance(unit, TaskUnit) and unit.start == written[unit.family]
        written[unit.family] = unit.stop
    assert sorted(written.values()) == [1_666, 1_667, 1_667]
    assert found.inputs == tuple(Input(f"tasks:{family}", 0) for family in written)
    assert found.settings == {"documents": 5_000}


def test_every_missing_source_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    with pytest.raises(InputError) as caught:
        taken(
            Source(name="absent", paths=(str(tmp_path / "no" / "*.jsonl"),)),
            Source(name="here", paths=(write(tmp_path / "here.txt", 5),)),
            Source(name="hollow", paths=(str(tmp_path / "empty.txt"),)),
            Source(name="unwritten"),
            Source(name="both", paths=("x",), tasks=("arithmetic",), documents=5),
            Source(name="puzzles", tasks=("arithmetics",), documents=5),
            Source(name="too_few", tasks=("arithmetic", "table"), documents=1),
        )
    message = str(caught.value)
    assert f"absent (no file matches {tmp_path}/no/*.jsonl)" in message
    assert f"hollow (there is nothing in {tmp_path}/empty.txt)" in message
    assert "unwritten (a source has either paths or tasks, and this one has neither)" in message
    assert "both (a source has either paths or tasks, not both)" in message
    assert "puzzles (there is no task family named 'arithmetics'; the nearest is 'arithmetic')" in message
    assert "too_few (its tasks write 1 documents" in message
    assert "here (" not in message


def test_a_source_without_weight_need_not_be_there() -> None:
    sources = (Source(name="absent", paths=("/no/such/file",)), Source(name="tasks", tasks=("table",), documents=3))
    (found,) = take_inventory(Mixture(sources=sources, stages=(Stage(weights={"absent": 0.0, "tasks": 1.0}),)))
    assert found.name == "tasks"


def test_tasks_without_pairs_are_named_before_anything_starts() -> None:
    with pytest.raises(InputError, match=r"pairs \(the task family 'table' has no pairs of answers"):
        taken(Source(name="pairs", tasks=("style", "table"), documents=10, form="preference"))
    (found,) = taken(Source(name="pairs", tasks=("style",), documents=10, form="preference"))
    assert found.units == (TaskUnit("style", 0, 10),)
