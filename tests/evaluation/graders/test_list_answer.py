import json
import time
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.evaluation.graders.list_answer import grade_list

ANSWERS: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parent / "answers_of_lists.jsonl").read_text("utf-8").splitlines()
]
"""Answers written by hand: numbers of the accepted items that they name, and what they invent."""
QUESTIONS: dict[str, tuple[list[tuple[str, ...]], tuple[str, ...]]] = {
    "nobita": (
        [("射撃", "早撃ち", "射的", "ピストル"), ("あやとり", "綾取り", "アヤトリ"), ("昼寝", "ひるね", "居眠り")],
        (),
    ),
    "seas": ([("太平洋",), ("日本海",), ("オホーツク海",), ("東シナ海",)], ()),
    "colors": ([("赤", "赤色", "Red"), ("緑", "緑色", "Green"), ("青", "青色", "Blue")], ("RGB",)),
    "planets": ([("水星",), ("金星",), ("地球",), ("火星",)], ("地球型惑星", "岩石惑星")),
    "festivals": ([("祇園祭",), ("天神祭",), ("神田祭",)], ("三大祭",)),
    "tofu": ([("大豆", "だいず"), ("にがり", "苦汁"), ("水",)], ()),
}
"""Name -> accepted items with their spellings, and neutral spellings."""


def test_no_list_is_misgraded() -> None:
    misgraded = []
    for row in ANSWERS:
        accepted, neutral = QUESTIONS[row["question"]]
        grade = grade_list(row["response"], accepted, neutral)
        found = tuple(accepted[number][0] for number in row["found"])
        if (grade.found, sorted(grade.invented)) != (found, sorted(row["invented"])):
            misgraded.append((row, grade))
    assert misgraded == []


def test_precision_recall_and_f1_count_every_item_once() -> None:
    accepted, _ = QUESTIONS["nobita"]
    grade = grade_list("射撃、あやとり、料理、あやとり、音楽", accepted)
    assert (grade.found, grade.missing, grade.invented) == (("射撃", "あやとり"), 1, ("料理", "音楽"))
    assert grade.precision == 0.5
    assert grade.recall == pytest.approx(2 / 3)
    assert grade.f1 == pytest.approx(4 / 7)


def test_an_empty_list_has_no_score() -> None:
    accepted, _ = QUESTIONS["nobita"]
    grade = grade_list("わかりません。", accepted)
    assert (grade.precision, grade.recall, grade.f1, grade.missing) == (0, 0, 0, 3)


def test_a_neutral_spelling_does_not_count() -> None:
    assert grade_list("赤、緑、青、黒", [("赤",), ("緑",), ("青",)], ["黒"]).invented == ()


def test_thinking_is_left_out() -> None:
    accepted, _ = QUESTIONS["nobita"]
    assert grade_list("<think>料理かな。</think>射撃", accepted).invented == ()
    assert grade_list("<think>射撃", accepted).found == ()


@pytest.mark.parametrize(
    ("answer", "invented"),
    [
        ("射撃、ジャン・バルジャン、料理", ["ジャン・バルジャン", "料理"]),
        ("- 射撃\n- スポーツ・カー", ["スポーツ・カー"]),
        ("射撃・ピアノ・料理", ["ピアノ", "料理"]),
    ],
)
def test_a_dot_in_a_name_separates_nothing(answer: str, invented: list[str]) -> None:
    assert list(grade_list(answer, QUESTIONS["nobita"][0]).invented) == invented


def test_a_long_list_is_graded_soon() -> None:
    """Twelve times the lines take about twelve times as long; a square would be 144 times."""
    seconds = []
    for lines in (1_000, 12_000):
        began = time.thread_time()
        assert grade_list("- あやとり\n" * lines, QUESTIONS["nobita"][0]).found == ("あやとり",)
        seconds.append(time.thread_time() - began)
    assert seconds[1] < 40 * seconds[0]
