from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.corpus.records.files import Slice
from tanuki_jax.data.preparation.inventory import UNIT_BYTES, UNIT_FILES, Inventory, take_inventory
from tanuki_jax.data.preparation.work_units import FileUnit, TaskUnit
from tanuki_jax.data.store import Input


def inventories(
    *sources: Source, unit_bytes: tuple[int, int] = UNIT_BYTES, unit_files: int = UNIT_FILES
) -> list[Inventory]:
    mixture = Mixture(sources=sources, stages=(Stage(weights={source.name: 1.0 for source in sources}),))
    return take_inventory(mixture, unit_bytes=unit_bytes, unit_files=unit_files)


def write(path: Path, size: int) -> str:
    path.write_bytes(b"x" * (size - 1) + b"\n")
    return str(path)


def test_small_files_are_grouped_and_large_ones_cut(tmp_path: Path) -> None:
    sizes = {"a.txt": 40, "b.txt": 50, "c.txt": 30, "d.jsonl": 250, "e.txt": 500, "f.txt": 10}
    paths = [write(tmp_path / name, size) for name, size in sizes.items()]
    source = Source(name="s", paths=(str(tmp_path / "*"),), text_field="body")
    (inventory,) = inventories(source, unit_bytes=(100, 100))
    assert inventory.inputs == tuple(Input(path, size) for path, size in zip(paths, sizes.values(), strict=True))
    assert inventory.settings == {"text_field": "body"}
    units = [
        [(Path(part.path).name, part.start, part.stop) for part in unit.slices]
        for unit in inventory.units
        if isinstance(unit, FileUnit)
    ]
    assert units == [
        [("a.txt", 0, 40), ("b.txt", 0, 50), ("c.txt", 0, 30)],
        [("d.jsonl", 0, 100)],
        [("d.jsonl", 100, 200)],
        [("d.jsonl", 200, 250), ("e.txt", 0, 500)],
        [("f.txt", 0, 10)],
    ]
    assert [unit.work for unit in inventory.units] == [120, 100, 100, 550, 10]


def test_a_unit_has_no_more_files_than_its_limit(tmp_path: Path) -> None:
    for number in range(7):
        write(tmp_path / f"{number}.txt", 10)
    (inventory,) = inventories(Source(name="s", paths=(str(tmp_path / "*.txt"),)), unit_files=3)
    assert [len(unit.paths) for unit in inventory.units] == [3, 3, 1]


def test_empty_files_have_no_unit_but_are_inputs(tmp_path: Path) -> None:
    full = write(tmp_path / "full.txt", 20)
    (tmp_path / "empty.txt").touch()
    (inventory,) = inventories(Source(name="s", paths=(str(tmp_path / "*.txt"),)))
    assert inventory.units == (FileUnit((Slice(full, 0, 20),), "text", 20),)
    assert [Path(entry.path).name for entry in inventory.inputs] == ["empty.txt", "full.txt"]


def test_tasks_share_the_documents_of_their_source() -> None:
    (inventory,) = inventories(Source(name="s", tasks=("arithmetic", "table", "dialogue"), documents=5_000))
    written = {family: 0 for family in ("arithmetic", "table", "dialogue")}
    for unit in inventory.units:
        assert isinstance(unit, TaskUnit) and unit.start == written[unit.family]
        written[unit.family] = unit.stop
    assert sorted(written.values()) == [1_666, 1_667, 1_667]
    assert inventory.inputs == tuple(Input(f"tasks:{family}", 0) for family in written)
    assert inventory.settings == {"documents": 5_000}


def test_every_missing_source_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    with pytest.raises(InputError) as caught:
        inventories(
            Source(name="absent", paths=(str(tmp_path / "no" / "*.jsonl"),)),
            Source(name="present", paths=(write(tmp_path / "present.txt", 5),)),
            Source(name="hollow", paths=(str(tmp_path / "empty.txt"),)),
            Source(name="unwritten"),
            Source(name="both", paths=("x",), tasks=("arithmetic",), documents=5),
            Source(name="puzzles", tasks=("arithmetics",), documents=5),
            Source(name="too_few", tasks=("arithmetic", "table"), documents=1),
        )
    message = str(caught.value)
    assert f"absent (no file matches {tmp_path}/no/*.jsonl)" in message
    assert f"hollow ({tmp_path}/empty.txt is empty)" in message
    assert "unwritten (a source must have either paths or tasks, and this one has none)" in message
    assert "both (a source must have either paths or tasks, not both)" in message
    assert "puzzles (there is no task family named 'arithmetics'; the nearest is 'arithmetic')" in message
    assert "too_few (documents is 1, and its tasks need at least one for each of 2 families)" in message
    assert "present (" not in message


def test_a_source_without_weight_may_be_missing() -> None:
    sources = (Source(name="absent", paths=("/no/such/file",)), Source(name="tasks", tasks=("table",), documents=3))
    (inventory,) = take_inventory(Mixture(sources=sources, stages=(Stage(weights={"absent": 0.0, "tasks": 1.0}),)))
    assert inventory.name == "tasks"


def test_a_held_out_source_without_weight_is_prepared() -> None:
    sources = (
        Source(name="exam", tasks=("table",), documents=3, held_out=True),
        Source(name="tasks", tasks=("table",), documents=3),
    )
    exam, trained = take_inventory(Mixture(sources=sources, stages=(Stage(weights={"tasks": 1.0}),)))
    assert (exam.name, trained.name) == ("exam", "tasks")
    assert exam.settings == trained.settings  # so a store that was trained on can be held out later, and the other way


def test_tasks_without_pairs_are_named_before_anything_starts() -> None:
    with pytest.raises(InputError, match=r"pairs \(the task family 'table' has no pairs of answers"):
        inventories(Source(name="pairs", tasks=("style", "table"), documents=10, form="preference"))
    (inventory,) = inventories(Source(name="pairs", tasks=("style",), documents=10, form="preference"))
    assert inventory.units == (TaskUnit("style", 0, 10),)
