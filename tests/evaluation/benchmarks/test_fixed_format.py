import json
from collections import Counter
from pathlib import Path

import pytest

from tanuki_jax.evaluation.benchmark import Reply
from tanuki_jax.evaluation.benchmarks.fixed_format import LABELS, QUESTIONS, FixedFormat
from tests.evaluation.benchmarks.probe_runs import means, ran
from tests.evaluation.scripted import refused

ROWS = [json.loads(line) for line in QUESTIONS.read_text("utf-8").splitlines()]
NUMBER_ALONE, FREELY = "だけを出力", "自由な文章"


def row_of(text: str) -> dict[str, object]:
    return next((row for row in ROWS if row["question"] in text), ROWS[0])


def test_the_questions_are_five_options_with_each_place_equally_often() -> None:
    assert len(ROWS) >= 40 and len({row["id"] for row in ROWS}) == len({row["question"] for row in ROWS}) == len(ROWS)
    places = Counter(row["answer"] for row in ROWS)
    assert set(places) == {1, 2, 3, 4, 5} and max(places.values()) == min(places.values())
    for row in ROWS:
        options = row["options"]
        assert len(options) == len(set(options)) == 5 and row["question"].endswith("。")
        # Free text is searched for the options, so none may be in another or in the question.
        assert not [one for one in options for other in options if one != other and one in other]
        assert not [option for option in options if option in row["question"]]


def test_the_first_question_is_that_on_the_ski_lift() -> None:
    first = ROWS[0]
    assert "スキー" in first["question"] and first["options"][first["answer"] - 1] == "リフト" and first["answer"] != 3


def test_the_talk_s_model_knows_the_lift_and_names_another_number() -> None:
    benchmark = FixedFormat()
    item = benchmark.load(Path()).items[0]
    chain = benchmark.chain(item)
    fixed, free = next(chain)
    assert (fixed.label, free.label) == ("fixed format", "free answer")
    assert NUMBER_ALONE in fixed.body["messages"][0]["content"]
    assert (
        item.question in fixed.body["messages"][0]["content"] and item.question in free.body["messages"][0]["content"]
    )
    assert NUMBER_ALONE not in free.body["messages"][0]["content"]
    with pytest.raises(StopIteration) as end:
        chain.send([Reply("3"), Reply("その設備は「リフト」といいます。")])
    assert end.value.value.values == {"strict": 0.0, "flexible": 0.0, "control": 1.0, "free": 1.0}


def test_the_difference_has_an_interval_and_is_free_of_the_form(tmp_path: Path) -> None:
    """A model that always writes 「2番です」 loses the form, and four options of five."""

    def script(text: str) -> str:
        if NUMBER_ALONE in text:
            return "2番です。"
        row = row_of(text)
        options, answer = row["options"], row["answer"]
        assert isinstance(options, list) and isinstance(answer, int)
        return f"答えは{options[answer - 1]}です。"

    result = ran(FixedFormat(), script, tmp_path)
    assert means(result) == {"strict": 0.0, "flexible": 0.2, "control": 0.0, "free": 1.0}
    overall = result["overall"]
    assert (overall["free_minus_fixed"], overall["free_minus_fixed_flexible"]) == (1.0, 0.8)
    assert 0.6 < overall["free_minus_fixed_flexible_low"] < 0.8 < overall["free_minus_fixed_flexible_high"] < 1
    assert len(result["items"][0]["answers"]) == 2


def test_a_request_that_fails_is_wrong_in_its_form_alone(tmp_path: Path) -> None:
    result = ran(FixedFormat(), lambda text: refused() if NUMBER_ALONE in text else "わかりません。", tmp_path)
    assert result["failed"] == len(ROWS) and means(result) == dict.fromkeys(
        ("strict", "flexible", "control", "free"), 0
    )
    right = ran(FixedFormat(), lambda text: refused() if FREELY in text else LABELS[0], tmp_path / "other")
    assert means(right) == {"strict": 0.2, "flexible": 0.2, "control": 1.0, "free": 0.0}
    assert right["overall"]["free_minus_fixed"] == pytest.approx(-0.2)
