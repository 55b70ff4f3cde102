"""Items of the parts of a run."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.corpus.synthesis.filters.written_length import WrittenLength
from tanuki_jax.corpus.synthesis.item_parts import items_of, parts_of
from tanuki_jax.corpus.synthesis.recipes.coverage_gaps import CoverageGaps
from tanuki_jax.corpus.synthesis.synthesis_settings import Synthesis
from tests.corpus.synthesis.echo import EchoDocuments, echo


def lines(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return str(path)


def keys(run: Synthesis) -> list[str]:
    return [item.key for part in parts_of(run) for item in items_of(part, run)]


def reading(path: str, **fields: Any) -> Synthesis:
    return Synthesis(name="r", recipe=EchoDocuments(), inputs=(path,), **fields)


def test_items_of_nothing_are_numbered() -> None:
    assert keys(echo(count=5, part_items=2)) == [f"echo/{number}" for number in range(5)]
    assert len(parts_of(echo(part_items=300))) == 4


def test_rows_of_another_kind_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    rows: list[dict[str, Any]] = [
        {"id": "a", "text": "文"},
        {"id": "b", "messages": [{"role": "user", "content": "問"}, {"role": "assistant", "content": "答"}]},
        {"id": "c", "text": None},
        {"id": "d", "text": "文"},
    ]
    path = lines(tmp_path / "in.jsonl", rows)
    (tmp_path / "in.jsonl").write_bytes((tmp_path / "in.jsonl").read_bytes() + b"{broken\n")
    assert keys(reading(path)) == ["r/a", "r/d"]
    assert "3 rows of the inputs are no documents and are left out" in caplog.text
    assert keys(reading(path, count=1, times=2)) == ["r/a#0", "r/a#1"]


def test_a_count_ends_within_a_part(tmp_path: Path) -> None:
    path = lines(tmp_path / "in.jsonl", [{"id": f"d{number}", "text": "文" * 50} for number in range(40)])
    for part_bytes in (1_000, 100_000):
        assert keys(reading(path, count=17, part_bytes=part_bytes)) == [f"r/d{number}" for number in range(17)]


def test_equal_ids_give_different_keys_however_the_file_is_cut(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": "x", "text": "一" * 400},
        {"id": "x", "text": "二" * 400},
        {"id": 1, "text": "三"},
        {"id": "1", "text": "四"},
    ]
    path = lines(tmp_path / "in.jsonl", [*rows, {"id": "y", "text": "五"}])
    one, several = keys(reading(path)), keys(reading(path, part_bytes=700))
    assert one == several
    assert len({*one}) == 5
    assert "r/y" in one
    lines(tmp_path / "in.jsonl", [rows[0], rows[0]])
    assert len({*keys(reading(path))}) == 2


def test_one_file_by_two_names_is_refused(tmp_path: Path) -> None:
    path = lines(tmp_path / "in.jsonl", [{"id": "a", "text": "文"}])
    (tmp_path / "link.jsonl").symlink_to(path)
    with pytest.raises(InputError, match="names one file twice"):
        keys(dataclasses.replace(reading(path), inputs=(path, str(tmp_path / "link.jsonl"))))


def test_ids_of_their_own_have_no_folder(tmp_path: Path) -> None:
    path = lines(tmp_path / "in.jsonl", [{"text": "文"}, {"text": "句"}])
    assert keys(reading(path)) == ["r/in.jsonl:0", "r/in.jsonl:16"]


def test_a_plan_without_gaps_gives_no_item(tmp_path: Path) -> None:
    row = {"entity": ["狸"], "relation": ["好物"], "answer": ["柿"], "texts": 1, "missing": 0, "passages": []}
    run = Synthesis(name="c", recipe=CoverageGaps(), inputs=(lines(tmp_path / "plan.jsonl", [row]),))
    with pytest.raises(InputError, match="nothing is missing"):
        parts_of(run)


def test_names_of_parts_outlive_more_rows_and_another_folder(tmp_path: Path) -> None:
    path = lines(tmp_path / "in.jsonl", [{"id": "a", "text": "文"}])
    [before] = parts_of(reading(path))
    (tmp_path / "moved").mkdir()
    path = lines(tmp_path / "moved" / "in.jsonl", [{"id": "a", "text": "句"}, {"id": "b", "text": "文"}])
    [after] = parts_of(reading(path))
    assert after.name == before.name
    assert after.part is not None and before.part is not None
    assert after.part.name != before.part.name


def test_rows_of_a_plan_are_read_whole(tmp_path: Path) -> None:
    row = {"entity": ["狸"], "relation": ["好物"], "answer": ["柿"], "texts": 1, "missing": 4, "passages": []}
    run = Synthesis(name="c", recipe=CoverageGaps(surplus=1), inputs=(lines(tmp_path / "plan.jsonl", [row]),))
    assert keys(run) == [f"c/狸-好物-柿/1/{number}" for number in range(4)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the files of --inputs are all empty"),
        (b'{"body": "x"}\n', "the inputs have no documents: the field 'text' is in no row"),
    ],
)
def test_inputs_without_records_are_said(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "in.jsonl").write_bytes(content)
    with pytest.raises(InputError, match=said):
        parts_of(reading(str(tmp_path / "in.jsonl")))


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(InputError, match="the judge has settings and no address"):
        dataclasses.replace(echo(), judge=RemoteModel(model="m"))
    with pytest.raises(InputError, match="filters has two of the kind WrittenLength"):
        dataclasses.replace(echo(), filters=(WrittenLength(), WrittenLength(shortest=3)))


def test_a_recipe_without_inputs_refuses_some() -> None:
    with pytest.raises(InputError, match="Echo reads no inputs"):
        dataclasses.replace(echo(), inputs=("in.jsonl",))
