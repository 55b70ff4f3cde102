import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.evaluation.graders.choice_answer import ChoiceScores, chosen_option, grade_choice
from tests.evaluation.graders.option_questions import QUESTIONS

ANSWERS: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parent / "answers_of_choices.jsonl").read_text("utf-8").splitlines()
]
"""Answers written by hand, with the scores that a person gives."""


def test_no_choice_is_misgraded() -> None:
    misgraded = []
    for row in ANSWERS:
        scores = grade_choice(row["response"], *QUESTIONS[row["question"]])
        if scores != ChoiceScores(row["strict"], row["flexible"], row["control"]):
            misgraded.append((row, scores))
    assert misgraded == []


def test_the_ski_lift_is_wrong_by_number_and_right_by_name() -> None:
    right, labels, texts = QUESTIONS["ski"]
    assert grade_choice("3", right, labels, texts) == ChoiceScores(strict=False, flexible=False, control=True)
    assert grade_choice("リフト", right, labels, texts) == ChoiceScores(strict=False, flexible=True, control=False)
    assert grade_choice("それは「リフト」と呼ばれる乗り物です。", "リフト", (), texts).flexible


def test_the_right_option_must_be_one_of_the_labels() -> None:
    with pytest.raises(ValueError, match="not in list"):
        grade_choice("5", "5", ("0", "1"), ("赤", "青"))


@given(
    st.integers(0, 4), st.integers(0, 4), st.sampled_from(["正解は{}です。", "答え：{}", "**{}**", "選択肢{}", "({})"])
)
def test_a_label_is_found_in_every_form(stated: int, right: int, form: str) -> None:
    _, labels, texts = QUESTIONS["ski"]
    response = form.format(labels[stated])
    assert chosen_option(response, labels, texts) == stated
    assert grade_choice(response, labels[right], labels, texts) == ChoiceScores(False, stated == right, False)


@given(st.integers(0, 4), st.text(alphabet=" \n　", max_size=3))
def test_space_and_width_do_not_change_the_strict_score(stated: int, space: str) -> None:
    _, labels, texts = QUESTIONS["ski"]
    wide = labels[stated].translate({code: code + 0xFEE0 for code in range(0x30, 0x3A)})
    assert grade_choice(space + wide + space, labels[stated], labels, texts) == ChoiceScores(True, True, True)
