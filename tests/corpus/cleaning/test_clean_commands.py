import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.cleaning.corpora import texts, write_lines

CONFIG = """
from tanuki_jax.corpus.cleaning.pipeline import Input, Pipeline
from tanuki_jax.corpus.cleaning.rules.length import Length
from tanuki_jax.corpus.cleaning.rules.quality import Quality

def mine():
    return Pipeline(
        name="mine", inputs=(Input(name="web", paths=("a.jsonl",)),), rules=(Length(shortest=20), Quality())
    )
"""


def ran(folder: Path, *words: str, code: int = 0, typed: str = "") -> str:
    """Run the command in a folder with a config and documents, and return its output."""
    (folder / "my.py").write_text(CONFIG)
    write_lines(folder / "a.jsonl", texts(20))
    line = [sys.executable, "-m", "tanuki_jax.clean", *words]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, input=typed, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def test_a_run_prints_its_steps_and_writes_documents(tmp_path: Path) -> None:
    said = ran(tmp_path, "--config=my.py:mine", "--workers", "1")
    assert "too short" not in said
    assert "written" in said and "16" in said
    assert (tmp_path / "corpora/mine/report.html").exists()
    assert len(list((tmp_path / "corpora/mine/documents").iterdir())) == 1


def test_labels_of_the_terminal_become_shares(tmp_path: Path) -> None:
    words = ("audit", "--config=my.py:mine", "--labels", "labels.jsonl", "--count", "3")
    said = ran(tmp_path, *words, typed="4\n1\n4\n")
    assert "advertisement" in said and "66.7%" in said and "all rules" in said
    labels = [json.loads(line)["label"] for line in (tmp_path / "labels.jsonl").read_text().splitlines()]
    assert labels == ["advertisement", "knowledge", "advertisement"]
    assert "66.7%" in ran(tmp_path, *words, "--show")


def test_a_trained_model_scores(tmp_path: Path) -> None:
    rows: list[Any] = [(f"これは第{n}章の説明です。山の成り立ちを詳しく述べます。", "good") for n in range(12)]
    rows += [(f"送料無料!!今すぐ購入 {n}円OFF クリック★", "bad") for n in range(12)]
    (tmp_path / "labels.tsv").write_text("".join(f"{text}\t{label}\n" for text, label in rows), "utf-8")
    said = ran(tmp_path, "train", "quality", "labels.tsv", "q.npz", "--shuffles", "0")
    assert said.startswith("12 good and 12 bad texts: q.npz")
    write_lines(tmp_path / "b.jsonl", [{"id": "x", "text": rows[0][0]}, {"id": "y", "text": rows[-1][0]}])
    words = ("--input", "b.jsonl", "--output", "c.jsonl", "--rules.quality.model", "q.npz")
    ran(tmp_path, "score", "--config=my.py:mine", *words)
    good, bad = [json.loads(line) for line in (tmp_path / "c.jsonl").read_text().splitlines()]
    assert good["score"] > 0.5 > bad["score"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--config=my.py:mine", "--inputs.web.paths", "nothing.jsonl"], "no file matches nothing.jsonl"),
        (["--config=my.py:mine", "--engine", "cloud"], "--engine"),
        (["--config=my.py:mine", "--tokenizer", "nowhere"], "nowhere"),
        (["score", "--config=my.py:mine", "--input", "a.jsonl"], "--output must be given"),
        (["audit", "--config=my.py:mine", "--labels", "l", "--show"], "has no label yet"),
        (["audit", "--config=my.py:mine", "--labels", "l", "--wanted", "x"], "--wanted names 'x'"),
        (["train", "quality", "nowhere.tsv", "q.npz"], "nowhere.tsv"),
        (["train", "perplexity", "nothing*.jsonl", "p.npz"], "no file matches nothing*.jsonl"),
        (["train", "statistics", "a.jsonl", "l.json", "--quantile", "0.7"], "--quantile is 0.7, and must be"),
        (["train", "labels.tsv", "q.npz"], "must be followed by quality, perplexity or statistics"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, words: list[str], message: str) -> None:
    said = ran(tmp_path, *words, code=2)
    assert message in said
    assert len(said.splitlines()) == 1
