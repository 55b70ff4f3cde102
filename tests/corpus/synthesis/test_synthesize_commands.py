"""The command from its words to its output."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tanuki_jax.client.rehearsal.behaviour import Behaviour
from tanuki_jax.config.mixture import by_tokens
from tanuki_jax.corpus.synthesis.named_syntheses import synthesis
from tanuki_jax.corpus.synthesis.synthesize_commands import run
from tanuki_jax.corpus.synthesis.synthesize_options import Run
from tanuki_jax.corpus.synthesis.synthetic_sources import synthetic_sources, table_of
from tests.corpus.cleaning.endpoints import in_a_thread, mock_teacher
from tests.corpus.synthesis.echo import FILE, echo, texts_of
from tests.rehearsal import rehearsing


@pytest.fixture(scope="module")
def teacher() -> Iterator[str]:
    """Return the address of a mock teacher."""
    with in_a_thread(mock_teacher(Behaviour())) as url:
        yield url


def said(*words: object, code: int = 0) -> str:
    """Return what the command prints; a failed one prints one sentence on stderr alone."""
    command = [sys.executable, "-m", "tanuki_jax.synthesize", *map(str, words)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == code, ended.stderr
    if code:
        assert ended.stdout == ""
        assert ended.stderr.count("\n") == 1
    return ended.stderr if code else ended.stdout


def test_the_dry_run_shows_prompts_and_sends_nothing(tmp_path: Path) -> None:
    printed = said(f"--config={FILE}:slow", "--dry-run", "--out", tmp_path / "out")
    assert printed.count("template Echo/echo.ja.jinja") == 3
    assert "短い文章です。" in printed
    assert "300 items, 900 requests, about" in printed
    assert "Nothing was sent" in printed
    assert not (tmp_path / "out").exists()


def test_the_dry_run_of_a_plan_looks_at_all_its_rows(tmp_path: Path) -> None:
    """A family is written by rule; a category takes two requests, and a fifth more items than are missing."""
    rows = [("family", "arithmetic", 1000), ("category", "里山の動物", 500)]
    lines = [json.dumps({"kind": kind, "name": name, "missing": missing}) for kind, name, missing in rows]
    (tmp_path / "plan.jsonl").write_text("\n".join(lines))
    printed = said("--config=weakness", "--inputs", tmp_path / "plan.jsonl", "--dry-run")
    assert "1,600 items, 1,200 requests, about" in printed
    assert "request 2 of item weakness/category-里山の動物" in printed


def test_a_preview_shows_answers_that_the_run_uses(tmp_path: Path, teacher: str) -> None:
    options = ["--teacher.urls", teacher, "--count", "20", "--out", tmp_path / "out"]
    printed = said(f"--config={FILE}:slow", *options, "--preview", "2")
    assert "preview.html" in printed
    page = (tmp_path / "out" / "preview.html").read_text("utf-8")
    assert page.count('<pre class="answer">') == 6
    printed = said(f"--config={FILE}:slow", *options, "--output", tmp_path / "all.jsonl")
    assert "60 answers of rehearsal, 6 of an earlier start" in printed
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text("utf-8").splitlines()]
    assert {row["id"]: row["text"] for row in rows} == texts_of(tmp_path / "out")
    assert len(rows) == 20


def test_a_preview_of_a_plan_asks_for_its_items_alone(tmp_path: Path) -> None:
    row = {"entity": ["狸"], "relation": ["好物"], "answer": ["柿の実"], "texts": 0, "missing": 400, "passages": []}
    (tmp_path / "plan.jsonl").write_text(json.dumps(row, ensure_ascii=False) + "\n", "utf-8")
    with rehearsing(tmp_path / "log.jsonl") as mock:
        words = ["--config=coverage", "--inputs", tmp_path / "plan.jsonl", "--teacher.urls", mock.url]
        said(*words, "--out", tmp_path / "out", "--preview", "3")
        assert len(mock.log_lines()) == 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--config=coverage"], "the recipe needs rows: name files of them by --inputs"),
        (["--config=coverage", "--inputs", "none.jsonl"], "no file matches none.jsonl"),
        (["--config=coverag"], "the nearest is 'coverage'"),
        ([f"--config={FILE}:slow"], "no model is named: give its address by --teacher.urls"),
        ([f"--config={FILE}:slow", "--recipe.template", "Echo/none.jinja"], "there is no template Echo/none.jinja in"),
    ],
)
def test_input_that_cannot_be_used_is_one_sentence(tmp_path: Path, words: list[str], sentence: str) -> None:
    assert sentence in said(*words, "--out", tmp_path / "out", code=2)
    assert not (tmp_path / "out").exists()


def test_records_by_rule_are_one_file(tmp_path: Path) -> None:
    file = tmp_path / "rules.jsonl"
    assert said("--config=by_rule", "--count", "50", "--output", file) == f"50 records: {file}\n"
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert len({row["id"] for row in rows}) == 50
    run(synthesis.find("by_rule"), Run(out=str(tmp_path / "out"), output=str(tmp_path / "again.jsonl")))
    again = [json.loads(line) for line in (tmp_path / "again.jsonl").read_text("utf-8").splitlines()]
    assert again[:50] == rows


@pytest.mark.parametrize("output", ["records.docx", "plan.jsonl/records.jsonl", "plan.jsonl"])
def test_a_file_that_cannot_be_written_is_said_before_anything_is_sent(tmp_path: Path, output: str) -> None:
    row = {"entity": ["狸"], "relation": ["好物"], "answer": ["柿の実"], "texts": 0, "missing": 2, "passages": []}
    (tmp_path / "plan.jsonl").write_text(json.dumps(row, ensure_ascii=False) + "\n", "utf-8")
    words = ["--config=coverage", "--inputs", tmp_path / "plan.jsonl", "--teacher.urls", "http://127.0.0.1:9"]
    assert "--output" in said(*words, "--output", tmp_path / output, code=2)


def test_inputs_without_a_text_are_said(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"body": "文"}\n', "utf-8")
    (tmp_path / "mine.py").write_text(
        "from tests.corpus.synthesis.echo import EchoDocuments\n"
        "from tanuki_jax.corpus.synthesis.synthesis_settings import Synthesis\n"
        "def mine():\n    return Synthesis(name='mine', recipe=EchoDocuments())\n"
    )
    printed = said(f"--config={tmp_path}/mine.py:mine", "--inputs", tmp_path / "in.jsonl", "--dry-run", code=2)
    assert "the inputs have no documents: the field 'text' is in no row; see --text-field" in printed


def test_finished_runs_are_sources_and_tables(tmp_path: Path, teacher: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name, count in (("small", 3), ("large", 9)):
        made = echo(teacher, name=name, count=count, kind="texts about numbers")
        run(made, Run(out=str(tmp_path / name)))
    sources = synthetic_sources(tmp_path)
    assert [source.name for source in sources] == ["large", "small"]
    weights = by_tokens(sources)
    assert 2 < weights["large"] / weights["small"] < 5
    [(name, count, tokens)] = table_of(sources, "teacher")
    assert (name, count) == ("rehearsal", 2)
    assert tokens == pytest.approx(sum(weights.values()))
    capsys.readouterr()
    printed = said("list", "--folder", tmp_path)
    assert printed.index("large") < printed.index("small")
    assert "texts about numbers" in printed
    assert "has no finished run" in said("list", "--folder", tmp_path / "none", code=2)
