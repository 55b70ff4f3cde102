"""Completions of a file of prompts."""

import json
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.inference.batch_file import complete_file
from tanuki_jax.inference.engine.job import Sampling
from tanuki_jax.inference.load_model import load_model
from tests.inference.conftest import MakeParrot


def test_a_line_is_written_for_each_prompt_in_their_order(
    make_parrot: MakeParrot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = load_model(make_parrot("fox", " に🦝!\n").checkpoint)
    path, out = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    lines: list[dict[str, Any]] = [
        {"prompt": "( " * 25 + "fox", "id": "long"},
        {"text": "fox"},
        {"prompt": "fox", "metadata": {"answer": "狸"}},
        {"prompt": "a fox"},
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines))
    summary = complete_file(loaded, str(path), out, Sampling(tokens=20), rows=2, system="")
    line_bytes = [len(json.dumps(line)) + 1 for line in lines]
    ends = {"completion": " に🦝!\n", "finish_reason": "eos_token"}
    assert [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()] == [
        {"id": "long", "prompt": lines[0]["prompt"], **ends},
        {"id": f"{path}:{sum(line_bytes[:2])}", "prompt": "fox", "metadata": {"answer": "狸"}, **ends},
        {"id": f"{path}:{sum(line_bytes[:3])}", "prompt": "a fox", **ends},
    ]
    assert f"skipped {path}:2: no field 'prompt' among 'text'\n" in capsys.readouterr().err
    assert summary.startswith(f"{out}: 3 prompts, 24 tokens generated in ")
    assert summary.endswith("prompts/s; 1 of 4 lines cannot be used")
    complete_file(loaded, str(path), out, Sampling(tokens=20, stop=("🦝",)), rows=2, system="")
    assert {json.loads(line)["finish_reason"] for line in out.read_text().splitlines()} == {"stop_sequence"}
    complete_file(loaded, str(path), out, Sampling(tokens=3), rows=2, system="")
    assert {json.loads(line)["finish_reason"] for line in out.read_text().splitlines()} == {"length"}


def test_without_a_usable_prompt_no_file_is_written(
    make_parrot: MakeParrot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = load_model(make_parrot("fox", "!").checkpoint)
    (tmp_path / "a.jsonl").write_text("[]\n" * 30)
    with pytest.raises(InputError, match=r"a\.jsonl has no prompt that can be used: all 30 are malformed or too long"):
        complete_file(loaded, str(tmp_path / "a.jsonl"), tmp_path / "b.jsonl", Sampling(), rows=2, system="")
    assert capsys.readouterr().err.count("skipped ") == 20
    (tmp_path / "empty.txt").touch()
    with pytest.raises(InputError, match=r"empty\.txt has no prompt that can be used$"):
        complete_file(loaded, str(tmp_path / "empty.txt"), tmp_path / "b.jsonl", Sampling(), rows=2, system="")
    with pytest.raises(InputError, match="is a folder; name a file"):
        complete_file(loaded, str(tmp_path / "a.jsonl"), tmp_path, Sampling(), rows=2, system="")
    with pytest.raises(InputError, match=r"a\.jsonl is a file or inside one"):
        out = tmp_path / "a.jsonl" / "b.jsonl"
        complete_file(loaded, str(tmp_path / "a.jsonl"), out, Sampling(), rows=2, system="")
    assert not (tmp_path / "b.jsonl").exists()
