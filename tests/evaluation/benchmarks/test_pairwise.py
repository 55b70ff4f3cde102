import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.evaluation.benchmark import Ask, Item, Reply
from tanuki_jax.evaluation.benchmarks.pairwise import Pairwise
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.evaluation.run_evaluation import answerer, evaluate
from tests.evaluation.benchmarks.judged_questions import QUESTIONS, write_rows
from tests.evaluation.benchmarks.played import play, texts_of
from tests.evaluation.scripted import scripted

ONE_TURN = [{"id": f"q{number}", "category": "trivia", "question": f"質問{number}"} for number in range(4)]


def loaded(
    folder: Path, rows: list[dict[str, Any]] = ONE_TURN, baseline_answers: str = ""
) -> tuple[Pairwise, tuple[Item, ...]]:
    write_rows(folder / "questions.jsonl", rows)
    benchmark = Pairwise(questions="questions.jsonl", baseline_answers=baseline_answers)
    return benchmark, benchmark.load(folder).items


def place_of(text: str) -> str:
    """Return where the model's answer stands in a request to the judge."""
    return "A" if text.index("モデルの答え") < text.index("基準の答え") else "B"


def judging(*verdicts: str | Reply) -> Callable[[Ask], Reply]:
    """Return answers whose verdicts are these, with the model first and with the baseline first."""

    def answer(ask: Ask) -> Reply:
        if ask.by != "judge":
            return Reply("モデルの答え" if ask.by == "model" else "基準の答え")
        verdict = verdicts["AB".index(place_of(texts_of(ask)[1]))]
        return Reply(verdict) if isinstance(verdict, str) else verdict

    return answer


@pytest.mark.parametrize(
    ("model_first", "baseline_first", "win"),
    [
        ("[[A>>B]]", "[[B>>A]]", 1.0),
        ("[[A>B]]", "[[B>A]]", 1.0),
        ("[[B>A]]", "[[A>>B]]", 0.0),
        ("[[A=B]]", "[[A=B]]", 0.5),
        ("[[A>B]]", "[[A>B]]", 0.5),
        ("[[A>B]]", "[[A=B]]", 0.75),
        ("[[B>>A]]", "[[A=B]]", 0.25),
    ],
)
def test_the_win_is_the_mean_of_both_orders(tmp_path: Path, model_first: str, baseline_first: str, win: float) -> None:
    benchmark, items = loaded(tmp_path)
    scores, turns = play(benchmark, items[0], judging(model_first, baseline_first))
    assert scores.values["win"] == win and scores.unreadable == ()
    assert [place_of(texts_of(ask)[1]) for ask in turns[-1]] == ["A", "B"]
    assert [ask.label for ask in turns[-1]] == ["the model first", "the baseline first"]
    assert {ask.label for ask in turns[0]} == {"turn 1"}


def test_verdicts_are_kept_from_the_models_side(tmp_path: Path) -> None:
    benchmark, items = loaded(tmp_path)
    scores, _ = play(benchmark, items[0], judging("考えると [[A>>B]]", "[[A>B]]"))
    assert (scores.values["verdict_model_first"], scores.values["verdict_baseline_first"]) == (2, -1)
    assert (scores.values["model_length"], scores.values["baseline_length"]) == (6, 5)


@pytest.mark.parametrize("verdict", ["", "Aがよい", "[[A>>>B]]", "[[引き分け]]"])
def test_nonsense_of_the_judge_is_unreadable(tmp_path: Path, verdict: str) -> None:
    benchmark, items = loaded(tmp_path)
    scores, _ = play(benchmark, items[0], judging("[[A>B]]", verdict))
    assert "win" not in scores.values and scores.unreadable == ("win",)
    assert scores.note == "verdict baseline first: the verdict is none of A>>B, A>B, A=B, B>A, B>>A"


def test_a_judge_that_failed_or_was_cut_is_unreadable(tmp_path: Path) -> None:
    benchmark, items = loaded(tmp_path)
    judge = judging(Reply(failure="HTTP 500"), Reply("[[A>B]]", cut=True))
    scores, _ = play(benchmark, items[0], judge)
    assert scores.unreadable == ("win",)
    assert scores.note == (
        "verdict model first: the judge gave no verdict: HTTP 500; verdict baseline first: the verdict was cut"
    )


def test_a_failed_or_empty_answer_has_lost_without_a_judge(tmp_path: Path) -> None:
    benchmark, items = loaded(tmp_path)
    for reply in (Reply(failure="HTTP 500"), Reply("", cut=True)):
        replies = {"model": reply, "baseline": Reply("答え")}
        scores, turns = play(benchmark, items[0], lambda ask, replies=replies: replies[ask.by])  # type: ignore[misc]
        assert scores.values["win"] == 0 and scores.unreadable == () and scores.note
        assert [[ask.by for ask in asks] for asks in turns] == [["model", "baseline"]]


def test_an_answer_that_failed_in_the_second_turn_has_lost(tmp_path: Path) -> None:
    benchmark, items = loaded(tmp_path, QUESTIONS)
    failed = Reply(failure="HTTP 500")
    scores, turns = play(
        benchmark, items[0], lambda ask: failed if ask.by == "model" and len(texts_of(ask)) > 1 else Reply("答え")
    )
    assert scores.values == {"win": 0} and scores.note == "the model gave no answer in turn 2: it lost"
    assert len(turns) == 2


def test_a_failed_answer_of_the_baseline_is_no_win(tmp_path: Path) -> None:
    benchmark, items = loaded(tmp_path)
    scores, turns = play(
        benchmark, items[0], lambda ask: Reply("答え") if ask.by == "model" else Reply(failure="HTTP 500")
    )
    assert scores.values == {} and scores.unreadable == ("win",) and len(turns) == 1
    assert scores.note == "the baseline gave no answer in turn 1: HTTP 500"


def test_two_turns_are_asked_one_after_the_other(tmp_path: Path) -> None:
    benchmark, items = loaded(tmp_path, QUESTIONS)
    _, turns = play(benchmark, items[0], judging("[[A>B]]", "[[B>A]]"))
    early, late = QUESTIONS[0]["turns"]
    assert [[ask.by for ask in asks] for asks in turns] == [["model", "baseline"]] * 2 + [["judge"] * 2]
    assert [texts_of(ask) for ask in turns[0]] == [[early]] * 2
    assert [texts_of(ask) for ask in turns[1]] == [[early, "モデルの答え", late], [early, "基準の答え", late]]
    assert all(text.count(early) == text.count(late) == 2 for text in (texts_of(ask)[1] for ask in turns[2]))
    assert {ask.body["temperature"] for asks in turns for ask in asks} == {0}


def test_answers_of_a_file_stand_for_a_served_baseline(tmp_path: Path) -> None:
    write_rows(tmp_path / "answers.jsonl", [{"id": row["id"], "answer": "基準の答え"} for row in ONE_TURN])
    benchmark, items = loaded(tmp_path, baseline_answers="answers.jsonl")
    scores, turns = play(benchmark, items[0], judging("[[A>B]]", "[[B>A]]"))
    assert scores.values["win"] == 1
    assert [[ask.by for ask in asks] for asks in turns] == [["model"], ["judge"] * 2]
    assert benchmark.asks == ("model", "judge") and Pairwise().asks == ("model", "judge", "baseline")
    assert benchmark.load(tmp_path).files == (tmp_path / "questions.jsonl", tmp_path / "answers.jsonl")


def test_a_question_without_an_answer_of_the_baseline_is_named(tmp_path: Path) -> None:
    write_rows(tmp_path / "answers.jsonl", [{"id": "q0", "answer": "基準の答え"}])
    with pytest.raises(InputError, match="has 0 answers to question q1, and should have 1"):
        loaded(tmp_path, baseline_answers="answers.jsonl")


def run(folder: Path, judge: Callable[[dict[str, Any]], str | web.Response]) -> dict[str, Any]:
    rows = [{"id": f"q{number}", "question": f"質問{number}"} for number in range(20)]
    write_rows(folder / "questions.jsonl", rows)
    with (
        scripted(lambda body: f"モデルの答え{'。' * len(body['messages'][0]['content'])}", name="own") as model,
        scripted(lambda body: "基準の答え", name="base") as baseline,
        scripted(judge, name="judge") as other,
    ):
        evaluation = Evaluation(
            name="test",
            benchmarks=(Pairwise(questions="questions.jsonl"),),
            data=str(folder),
            judge=RemoteModel(urls=(other,)),
            baseline=RemoteModel(urls=(baseline,)),
        )
        done = evaluate(evaluation, answerer(RemoteModel(urls=(model,)), "endpoint"), folder / "run")
    found: dict[str, Any] = json.loads(done.results.read_text("utf-8"))["benchmarks"][0]
    return found


def test_a_judge_that_always_chooses_the_first_answer_is_visible(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = run(tmp_path, lambda body: "[[A>B]]")
    assert found["metrics"]["win"]["mean"] == 0.5
    assert found["overall"] == {"agreement": 0, "first_place": 1, "ties": 0}
    assert "pairwise: the judge always said A>B, whatever stood first" in caplog.text


def test_a_run_has_ratings_with_intervals(tmp_path: Path) -> None:
    def judge(body: dict[str, Any]) -> str:
        text = body["messages"][-1]["content"]
        if "質問7\n" in text:
            return "分かりません。"
        if "答え" not in text:
            return "こんにちは。"
        model_wins = not any(f"質問{lost}\n" in text for lost in (0, 2, 5, 8, 11, 12, 15, 18))
        return "[[A>B]]" if model_wins == (place_of(text) == "A") else "[[B>A]]"

    found = run(tmp_path, judge)
    assert found["metrics"]["win"] | {"low": 0, "high": 0} == {
        "mean": pytest.approx(11 / 19),
        "low": 0,
        "high": 0,
        "items": 19,
        "unreadable": 1,
        "better": "higher",
    }
    overall = found["overall"]
    assert (overall["agreement"], overall["first_place"], overall["ties"]) == (1, 0.5, 0)
    assert overall["rating"] == pytest.approx(1000 + 55.32, abs=0.01)  # 400 log10(11 / 8)
    assert overall["rating_low"] < overall["rating"] < overall["rating_high"]
