import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.command_line import parse_config
from tanuki_jax.corpus.cleaning.pipelines import PIPELINES, corpus
from tanuki_jax.corpus.cleaning.rules.length import Length

FILE = """
from tanuki_jax.corpus.cleaning.pipeline import Input, Pipeline
from tanuki_jax.corpus.cleaning.rules.length import Length

def mine():
    return Pipeline(
        name="mine", inputs=(Input(name="web", paths=("a.jsonl",)),), rules=(Length(), Length(shortest=99))
    )

def wrong():
    return Pipeline(name="wrong", inputs=(Input(name="web", paths=("a.jsonl",)),), rules=(Length(shrotest=3),))
"""


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """No option of its own."""


@pytest.mark.parametrize("name", corpus.names())
def test_every_shipped_pipeline_can_be_made(name: str) -> None:
    pipeline, _ = parse_config(PIPELINES, "clean", [f"--config={name}"], Nothing)
    assert pipeline == corpus.find(name)


def test_any_field_of_any_rule_is_an_option(tmp_path: Path) -> None:
    file = tmp_path / "my.py"
    file.write_text(FILE)
    words = [f"--config={file}:mine", "--rules.length-2.shortest=50", "--inputs.web.paths", "b.jsonl", "c.jsonl"]
    pipeline, _ = parse_config(PIPELINES, "clean", [*words, "--split-characters", "100"], Nothing)
    assert pipeline.rules == (Length(), Length(shortest=50))
    assert pipeline.inputs[0].paths == ("b.jsonl", "c.jsonl")
    assert pipeline.split_characters == 100


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        ("mine", ["--rules.length.shortset", "3"], "the nearest is --rules.length.shortest"),
        ("mine", ["--rules.length.shortest", "-3"], "must be at least 0"),
        ("wrong", [], "Length has no field 'shrotest'; the nearest is 'shortest'"),
        ("mine2", [], "has no function 'mine2'"),
    ],
)
def test_a_wrong_word_names_the_right_one(tmp_path: Path, name: str, words: list[str], message: str) -> None:
    file = tmp_path / "my.py"
    file.write_text(FILE)
    with pytest.raises(InputError, match=message):
        parse_config(PIPELINES, "clean", [f"--config={file}:{name}", *words], Nothing)


def test_the_resolved_pipeline_is_printed_as_json() -> None:
    words = [sys.executable, "-m", "tanuki_jax.clean", "--config=demo", "--print-config"]
    printed = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    assert printed["name"] == "demo"
    assert list(printed["rules"])
