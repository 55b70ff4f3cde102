"""The recipe of docs/synthesis.md, as a reader would copy it."""

import re
import subprocess
import sys
from pathlib import Path

from tanuki_jax.client.rehearsal.behaviour import Behaviour
from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.records.write import write
from tests.corpus.cleaning.endpoints import in_a_thread, mock_teacher
from tests.corpus.synthesis.echo import texts_of

PAGE = (Path(__file__).parents[3] / "docs" / "synthesis.md").read_text("utf-8")


def block(language: str, containing: str) -> str:
    [found] = [text for text in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if containing in text]
    return str(found)


def test_the_recipe_of_the_page_runs(tmp_path: Path) -> None:
    (tmp_path / "titles.py").write_text(block("python", "class Titles"), "utf-8")
    (tmp_path / "templates" / "titles").mkdir(parents=True)
    (tmp_path / "templates" / "titles" / "title.ja.jinja").write_text(block("jinja", "狸の里"), "utf-8")
    write(tmp_path / "in.jsonl", [Document(f"d{number}", f"文書{number}。" * 50) for number in range(8)])
    with in_a_thread(mock_teacher(Behaviour())) as url:
        command = [sys.executable, "-m", "tanuki_jax.synthesize", f"--config={tmp_path / 'titles.py'}:titles"]
        command += ["--inputs", str(tmp_path / "in.jsonl"), "--teacher.urls", url, "--out", str(tmp_path / "out")]
        subprocess.run(command, check=True, capture_output=True)
    found = texts_of(tmp_path / "out")
    assert found  # but for the titles of several lines
    assert all(f"文書{id[-1]}。" in text for id, text in found.items())
