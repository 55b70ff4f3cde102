import json
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanuki_jax.corpus.tasks.answer_values import Day, Pairs, Point, Span
from tanuki_jax.corpus.tasks.registry import SCHOOL
from tanuki_jax.evaluation.graders.maths_answer import states_value
from tests.evaluation.graders.maths_questions import QUESTIONS

ANSWERS: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parent / "answers_of_maths.jsonl").read_text("utf-8").splitlines()
]
"""Answers written by hand, with the judgment of a person."""


def test_the_answers_are_many_and_of_many_kinds() -> None:
    assert len(ANSWERS) >= 300
    assert len({row["question"] for row in ANSWERS}) >= 15
    assert min(Counter(row["right"] for row in ANSWERS).values()) >= 150


def test_no_answer_is_misgraded() -> None:
    misgraded = []
    for row in ANSWERS:
        question, value, unit = QUESTIONS[row["question"]]
        if states_value(row["response"], value, unit=unit, question=question) != row["right"]:
            misgraded.append(row)
    assert misgraded == []


def test_the_question_is_enough_to_know_the_unit() -> None:
    misgraded = []
    for row in ANSWERS[::4]:
        question, value, _ = QUESTIONS[row["question"]]
        if states_value(row["response"], value, question=question) != row["right"]:
            misgraded.append(row)
    assert misgraded == []


@pytest.mark.parametrize(
    "around",
    [
        "{}\n以上です。",
        "{}\n\n他にご質問があれば、お気軽にお知らせください。",
        "ご質問ありがとうございます。\n{}",
        "はい、承知しました。それでは計算してみます。\n\n{}",
        "## 解答\n\n{}",
        "【解答】{}",
        "<think>\n12かな、いや13だ。\n</think>\n\n{}",
    ],
)
def test_usual_words_around_an_answer_do_not_change_its_grade(around: str) -> None:
    misgraded = []
    for row in ANSWERS[::15]:
        question, value, unit = QUESTIONS[row["question"]]
        response = around.format(row["response"])
        if row["response"] and states_value(response, value, unit=unit, question=question) != row["right"]:
            misgraded.append(response)
    assert misgraded == []


@pytest.mark.parametrize(
    "text", ["1", "35 36 ", "1,", "1/36 + ", "(", "\\frac{1}{", "1万", "5は", "**", "答えは5", "2 × 10^9"]
)
def test_a_loop_of_a_model_is_no_error(text: str) -> None:
    assert not states_value(text * 1000, Fraction(35, 36))
    assert not states_value(f"2 × 10^{text}" + "9" * 30, Fraction(35, 36))


@pytest.mark.parametrize("name", SCHOOL)
def test_answers_of_the_task_families_are_right(name: str) -> None:
    family = SCHOOL[name]
    misgraded = []
    for key in range(40):
        task = family.generate(key)
        value = family.solve(task.problem)
        question, answer = (message.content for message in task.messages)
        if not isinstance(value, str) and not states_value(answer, value, question=question):
            misgraded.append(answer)
    assert misgraded == []


@pytest.mark.parametrize("name", SCHOOL)
def test_answers_of_other_problems_are_wrong(name: str) -> None:
    family = SCHOOL[name]
    accepted = []
    for key in range(40):
        task, other = family.generate(key), family.generate(key + 1000)
        value = family.solve(other.problem)
        if family.solve(task.problem) != value and not isinstance(value, str):
            answer = task.messages[1].content
            if states_value(answer, value) and not family.check(other.problem, answer):
                accepted.append((answer, value))
    assert accepted == []


@pytest.mark.parametrize(
    ("response", "value", "right"),
    [
        ("答えは2時間25分です。", Span(145), True),
        ("145分", Span(145), True),
        ("2時間15分", Span(145), False),
        ("4月4日です。", Day(4, 4), True),
        ("答えは(1,2)、(2,1)です。", Pairs(((1, 2), (2, 1))), True),
        ("答えは(2, 3)です。", Point(2, 3), True),
        ("答えは(3, 2)です。", Point(2, 3), False),
        ("答えは「きつね」です。", "きつね", True),
        ("x = 1, 2", (1, 2), True),
        ("x = 2, 1", (1, 2), False),
        ("x = 2, 1", frozenset({1, 2}), True),
        ("x = 2, 2", frozenset({1, 2}), False),
        ("<think>34/36</think>35/36", Fraction(35, 36), True),
        ("<think>35/36", Fraction(35, 36), False),
    ],
)
def test_values_of_every_kind_are_read(response: str, value: Any, right: bool) -> None:
    assert states_value(response, value) is right


WIDE = {code: code + 0xFEE0 for code in range(0x30, 0x3A)} | {
    ord("/"): ord("／"),
    ord("."): ord("．"),
    ord("-"): ord("－"),
}
NUMBERS = st.integers(-9999, 9999) | st.fractions(-99, 99, max_denominator=99)
FORMS = st.sampled_from(
    [
        "{}",
        "答えは{}です。",
        "**{}**",
        "$\\boxed{{{}}}$",
        "したがって、{}となります。",
        "計算すると、求める値は{}だと思います。",
        "The answer is {}.",
    ]
)


@settings(max_examples=60)
@given(NUMBERS, FORMS)
def test_a_number_is_right_in_every_form_and_width(value: Fraction | int, form: str) -> None:
    response = form.format(value)
    assert states_value(response, value)
    assert states_value(response.translate(WIDE), value)


@settings(max_examples=60)
@given(NUMBERS, NUMBERS, FORMS)
def test_another_number_is_wrong(value: Fraction | int, other: Fraction | int, form: str) -> None:
    assert states_value(form.format(other), value) == (value == other)


@settings(max_examples=60)
@given(NUMBERS, NUMBERS)
def test_two_answers_are_wrong(value: Fraction | int, other: Fraction | int) -> None:
    assert states_value(f"答えは{value}または{other}です。", value) == (value == other)
