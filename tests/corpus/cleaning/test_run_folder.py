from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.engines.engine import Local
from tanuki_jax.corpus.cleaning.parts import cut
from tanuki_jax.corpus.cleaning.pipeline import Input, Pipeline
from tanuki_jax.corpus.cleaning.run_cleaning import clean
from tanuki_jax.corpus.cleaning.run_folder import Keys, claimed, record
from tests.corpus.cleaning.corpora import pipeline, texts, write_lines

KEYS = Keys("rules", "code")


@pytest.fixture
def before(tmp_path: Path) -> Pipeline:
    """Return a pipeline over two files, of which a run was recorded."""
    given = pipeline(*(write_lines(tmp_path / f"{name}.jsonl", texts(10)) for name in "ab"))
    record(tmp_path, given, KEYS, cut(given, "k"))
    assert record(tmp_path, given, KEYS, cut(given, "k")) == []
    return given


def said(tmp_path: Path, before: Pipeline, **fields: Any) -> list[str]:
    """Return what is said about a run with other settings."""
    after = replace(before, **fields)
    return record(tmp_path, after, KEYS, cut(after, "k"))


def test_another_size_of_parts_is_said_to_make_them_anew(tmp_path: Path, before: Pipeline) -> None:
    assert said(tmp_path, before, part_bytes=500) == [
        "part_bytes changed from 67108864 to 500",
        "6 parts are made, 0 parts are kept",
    ]


def test_another_field_of_the_text_is_said_to_make_parts_anew(tmp_path: Path, before: Pipeline) -> None:
    assert said(tmp_path, before, inputs=(replace(before.inputs[0], text_field="id"),)) == [
        "inputs.files.text_field changed from text to id",
        "1 part is made, 0 parts are kept",
    ]


def test_another_name_of_an_input_is_said_to_make_parts_anew(tmp_path: Path, before: Pipeline) -> None:
    assert said(tmp_path, before, inputs=(Input(name="notes", paths=before.inputs[0].paths),)) == [
        "new inputs: notes",
        "1 part is made, 0 parts are kept",
    ]


def test_a_file_that_is_left_out_is_said_to_make_its_part_anew(tmp_path: Path, before: Pipeline) -> None:
    [kept, gone] = before.inputs[0].paths
    assert said(tmp_path, before, inputs=(replace(before.inputs[0], paths=(kept,)),)) == [
        f"files no longer in the input: {gone}",
        "1 part is made, 0 parts are kept",
    ]


def test_a_second_command_on_a_folder_is_refused_and_changes_nothing(tmp_path: Path, before: Pipeline) -> None:
    out = tmp_path / "out"
    with claimed(out):
        record(out, before, KEYS, cut(before, "k"))
        files = {path: path.read_bytes() for path in out.rglob("*")}
        with pytest.raises(InputError, match=r"another clean command works in .*out: wait for its end, or choose"):
            clean(before, out, Local(1))
        assert {path: path.read_bytes() for path in out.rglob("*")} == files
    with claimed(out):
        pass
