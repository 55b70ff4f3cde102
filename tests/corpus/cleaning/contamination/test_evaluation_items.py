import json
from pathlib import Path

import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.contamination.evaluation_items import EvaluationIndex, Item, load
from tanuki_jax.corpus.cleaning.contamination.evaluation_settings import Evaluation

QUESTION = "サイコロを二つ投げるとき、出た目の和が六以上になる確率を求めなさい。"
SHORT = "日本で一番高い山の名前は何か。"
SETTINGS = Evaluation(paths=("-",), gram=12, shortest=8)


def index() -> EvaluationIndex:
    """Return an index of two items."""
    return EvaluationIndex([Item("q", QUESTION), Item("s", SHORT), Item("q2", QUESTION), Item("no", "短い")], SETTINGS)


def contained(text: str) -> list[str]:
    """Return the names of the items in a text."""
    items = index()
    found = items.contained(items.occurrences(text), np.ones(items.size, np.bool_))
    return sorted(items.items[item].name for item in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"前の文。{QUESTION}後の文。", ["q"]),
        (QUESTION.replace("二つ", "２つ"), ["q"]),
        ("サイコロを 二つ\n投げるとき、 出た目の和が六以上に なる確率を求めなさい。", ["q"]),
        ("サイコロを二つ投げるとき、出た目の和が", []),
        (f"長い行の中に{SHORT}という問いがあり、{QUESTION}という問いもある。", ["q", "s"]),
        ("日本で一番高い山の名前を知っているか。", []),
        ("", []),
    ],
)
def test_items_are_found_whatever_is_around_them(text: str, expected: list[str]) -> None:
    assert contained(text) == expected


def test_a_share_of_the_n_grams_suffices() -> None:
    half = QUESTION[: len(QUESTION) // 2 + 8]
    assert contained(half) == ["q"]
    assert contained(half[:-8]) == []


def test_n_grams_that_are_no_evidence_do_not_count() -> None:
    items = index()
    counted = np.ones(items.size, np.bool_)
    found = items.occurrences(QUESTION[:-3])
    assert items.shares(np.unique(found.grams), counted)[0] > 0.8
    counted[found.grams] = False
    assert items.shares(np.unique(found.grams), counted) == {}


def test_spans_are_those_of_the_text_as_it_is_written() -> None:
    items = index()
    text = f"まえ  {QUESTION[:10]} \n {QUESTION[10:]} うしろ"
    spans = items.spans(text, items.occurrences(text), [0])
    assert [text[start:stop] for start, stop in spans] == [f"{QUESTION[:10]} \n {QUESTION[10:]}"]


def test_items_are_texts_of_files(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    rows = [{"question": QUESTION, "choices": ["一つ目の選択肢です。", "選択肢になる名前", "短"], "answer": SHORT}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    every = load(Evaluation(paths=(str(path),), shortest=8))
    assert [item.name.rpartition(" ")[2] for item in every.items] == ["question", "choices[0]", "answer"]
    some = load(Evaluation(paths=(str(path),), shortest=8, fields=("answer",)))
    assert [item.text for item in some.items] == [SHORT]


def test_files_without_items_are_refused(tmp_path: Path) -> None:
    (tmp_path / "items.jsonl").write_text('{"a": "short"}\n')
    with pytest.raises(InputError, match="no evaluation item of at least 10 characters"):
        load(Evaluation(paths=(str(tmp_path / "items.jsonl"),)))
