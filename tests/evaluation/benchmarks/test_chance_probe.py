"""Scores of single answers to the four questions."""

import itertools
from pathlib import Path

import pytest

from tanuki_jax.corpus.tasks.dice_probes import Event
from tanuki_jax.evaluation.benchmark import Item, Scores
from tanuki_jax.evaluation.benchmarks.chance_probe import goes_by_complement, read_list, score_answer
from tanuki_jax.evaluation.benchmarks.probability_probe import QUESTIONS, ProbabilityProbe

MEANING, EVENT, LISTING, COMPLEMENT = QUESTIONS
EVERY = [*itertools.product(range(1, 7), range(1, 7))]


def written(pairs: list[tuple[int, int]]) -> str:
    return "\n".join(f"({first}, {second})" for first, second in pairs)


@pytest.mark.parametrize(
    ("answer", "listed", "note"),
    [
        (written(EVERY), True, "35 of 35 pairs of the event, 1 of 1 others"),
        (written(EVERY[1:]).replace(",", "，").replace("(", "（").replace(")", "）"), True, "35 of 35"),
        (written(EVERY[2:]), False, "34 of 35 pairs of the event, 0 of 1 others"),
        (written([*EVERY, (7, 1)]), False, "1 of 1 others, 1 that cannot be drawn"),
        (written([*EVERY, (1, 1), (2, 1)]), True, "2 written again"),
        ("1と2、1と3、…と続くので35通りです。", False, "no pairs in the form (1, 2)"),
        ("", False, "no pairs in the form (1, 2)"),
    ],
)
def test_a_list_has_all_pairs_or_all_of_the_event(answer: str, listed: bool, note: str) -> None:
    found, remark = read_list(answer, Event((6, 6), ("和", "以上", 3)))
    assert found is listed and note in remark


def test_a_list_with_a_gap_can_lead_to_the_right_probability() -> None:
    scores = score_answer(LISTING, f"{written(EVERY[3:])}\nこのように35通りあります。よって、確率は35/36です。")
    assert scores.values == {"correct": 1.0, "listed": 0.0} and "33 of 35" in scores.note


@pytest.mark.parametrize(
    ("answer", "correct"),
    [
        ("5", 1),
        ("正解は5です。", 1),
        ("1", 0),
        ("「6回投げれば、3の目は必ずちょうど1回出る。」が正しいです。", 0),
        ("わかりません。", 0),
    ],
)
def test_the_meaning_is_one_of_five_options(answer: str, correct: float) -> None:
    assert score_answer(MEANING, answer).values == {"correct": correct}


@pytest.mark.parametrize(
    ("answer", "correct", "complement"),
    [
        ("全体から和が2になる場合を引くと、36-1=35通りです。よって35/36です。", 1, 1),
        ("約97.2%です。", 1, 0),
        ("余事象の確率は2/36なので、1-2/36=34/36=17/18です。", 0, 1),
        (r"\[ 1 - \frac{1}{36} = \frac{35}{36} \]", 1, 1),
        ("答えは1/36です。", 0, 0),
    ],
)
def test_the_trick_is_seen_apart_from_the_answer(answer: str, correct: float, complement: float) -> None:
    assert score_answer(EVENT, answer).values == {"correct": correct, "complement": complement}
    assert score_answer(COMPLEMENT, answer).values == {"correct": correct}


@pytest.mark.parametrize(
    ("event", "answer", "used"),
    [
        (
            Event((5, 7), ("積", "以上", 4)),
            "全部で35通りです。積が3以下になるのは5通りなので、残りは30通りで、30/35=6/7です。",
            True,
        ),
        (Event((5, 7), ("積", "以上", 4)), "全部で35通りです。35-5=30通りなので、6/7です。", True),
        (Event((5, 7), ("積", "以上", 4)), "積が4以上になる組を数えると30通りです。30/35=6/7です。", False),
        (
            Event((5, 7), ("和", "以下", 10)),
            "和が11以上になるのは3通りです。残りの32通りが当てはまるので、32/35です。",
            True,
        ),
        (Event((5, 7), ("和", "以下", 10)), "和が10より大きい場合は3通りなので、1-3/35=32/35です。", True),
        (Event((5, 7), ("和", "以下", 10)), "和が10以下になる組を数えると32通りです。32/35です。", False),
        (Event((5, 7), ("和", "以下", 10)), "和が2から10までの場合を足すと、1+2+3+4+5+5+5+4+3=32通りです。", False),
        (Event((6, 6), ("差", "以下", 3)), "差が4以上の6通りを除くと、30通りです。", True),
    ],
)
def test_the_complement_of_any_event_is_seen(event: Event, answer: str, used: bool) -> None:
    assert goes_by_complement(answer, event) is used


def test_a_tier_needs_all_three_questions() -> None:
    def scored(number: str) -> tuple[Item, Scores]:
        return Item(number, "", tags={"question": number}), Scores({"correct": 1.0, "complement": 1.0, "listed": 1.0})

    probe = ProbabilityProbe()
    assert probe.overall([scored("q1"), scored("q2")]) == {"q1": 1.0, "q2": 1.0, "q2_complement": 1.0}
    assert probe.overall([scored(name) for name in ("q2", "q2a", "q2b")])["tier: high"] == 1.0
    assert probe.overall([]) == {}


def test_an_answer_that_was_not_graded_is_left_out_of_the_figures() -> None:
    items = ProbabilityProbe(samples=2).load(Path()).items
    scores = [Scores({"correct": 1.0, "complement": 1.0, "listed": 1.0}) for _ in items]
    lost = [
        Scores({}, ("correct",)) if item.id in ("q2/0", "q1/0", "q1/1") else each
        for item, each in zip(items, scores, strict=True)
    ]
    figures = ProbabilityProbe(samples=2).overall([*zip(items, lost, strict=True)])
    assert figures["q2"] == 1 and figures["tier: high"] == 1 and "q1" not in figures
