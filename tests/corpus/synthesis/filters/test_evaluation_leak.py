import json
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.synthesis.filters.evaluation_leak import EvaluationLeak
from tanuki_jax.corpus.synthesis.made import Made

QUESTION = "サイコロを二つ投げるとき、出た目の和が六以上になる確率を求めなさい。"
LEAK = "an item of an evaluation"


def reason(written: str, leak: EvaluationLeak) -> str:
    return leak.reason(Made(Document("a", written), written))


@pytest.fixture
def items(tmp_path: Path) -> str:
    rows = [{"question": QUESTION, "note": "この欄は出題者のための覚え書きで、問題の一部ではありません。"}]
    path = tmp_path / "items.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return str(path)


def test_a_text_with_an_item_is_dropped(items: str) -> None:
    leak = EvaluationLeak(files=(items,), fields=("question",))
    assert reason(f"次の問題を考えよう。{QUESTION}答えは後で示す。", leak) == LEAK
    assert reason(QUESTION.replace("二つ", "２つ").replace("、", " "), leak) == ""
    assert reason("サイコロを三つ投げて遊んだ。", leak) == ""
    assert reason("この欄は出題者のための覚え書きで、問題の一部ではありません。", leak) == ""
    assert reason("", leak) == ""


def test_every_text_of_a_row_is_an_item_unless_fields_are_named(items: str) -> None:
    written = "この欄は出題者のための覚え書きで、問題の一部ではありません。"
    assert reason(written, EvaluationLeak(files=(items,))) == LEAK


def test_without_files_nothing_is_looked_for() -> None:
    assert reason(QUESTION, EvaluationLeak()) == ""


def test_the_files_are_read_at_the_first_record_and_once(items: str) -> None:
    leak = EvaluationLeak(files=(items,))
    assert reason(QUESTION, leak) == LEAK
    Path(items).unlink()
    assert reason(QUESTION, EvaluationLeak(files=(items,))) == LEAK
    missing = EvaluationLeak(files=(items + ".gone",))
    with pytest.raises(InputError, match="gone"):
        reason(QUESTION, missing)
