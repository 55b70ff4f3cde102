import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.evaluation.benchmark import Ask, Item, Reply
from tanuki_jax.evaluation.benchmarks.mt_bench_ja import MtBenchJa
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.evaluation.run_evaluation import answerer, evaluate
from tests.evaluation.benchmarks.judged_questions import QUESTIONS, REFERENCES, write_questions, write_rows
from tests.evaluation.benchmarks.played import play, texts_of
from tests.evaluation.scripted import refused, scripted

WRITING, MATH, STEM = range(3)
SECOND = "アシスタントAとユーザーの会話"
"""Words of the request for the rating of a second turn."""


def items_of(folder: Path) -> tuple[Item, ...]:
    return MtBenchJa().load(write_questions(folder)).items


def judging(first: str | Reply = "評価：[[8]]", second: str | Reply = "評価：[[5]]") -> Callable[[Ask], Reply]:
    """Return answers that repeat the last message, and these verdicts on both turns."""

    def answer(ask: Ask) -> Reply:
        if ask.by == "model":
            return Reply(f"「{texts_of(ask)[-1]}」への答え")
        verdict = second if any(SECOND in text for text in texts_of(ask)) else first
        return Reply(verdict) if isinstance(verdict, str) else verdict

    return answer


def test_the_rating_is_the_mean_of_both_turns(tmp_path: Path) -> None:
    scores, _ = play(MtBenchJa(), items_of(tmp_path)[MATH], judging())
    assert {name: scores.values[name] for name in MtBenchJa().metrics} == {"rating": 6.5, "turn_1": 8, "turn_2": 5}
    assert scores.unreadable == () and scores.note == ""


@pytest.mark.parametrize(
    ("verdict", "rating"),
    [("評価：[[10]]", 10), ("[[ 8.5 ]]", 8.5), ("評価：［［７］］", 7), ("[[3]]でなく、[[9]]", 9), ("評価：[[1]]", 1)],
)
def test_a_verdict_is_read_in_all_its_writings(tmp_path: Path, verdict: str, rating: float) -> None:
    scores, _ = play(MtBenchJa(), items_of(tmp_path)[MATH], judging(verdict, verdict))
    assert scores.values["rating"] == rating


@pytest.mark.parametrize("verdict", ["評価：[[0]]", "評価：[[11]]", "よい答えです。", "", "[[評価]]"])
def test_an_unreadable_verdict_is_in_no_mean(tmp_path: Path, verdict: str) -> None:
    scores, _ = play(MtBenchJa(), items_of(tmp_path)[MATH], judging(second=verdict))
    assert scores.values["turn_1"] == 8
    assert scores.unreadable == ("rating", "turn_2")
    assert scores.note == "turn 2: the verdict has no rating from 1 to 10"
    assert scores.values["unreadable_verdicts"] == 1


def test_a_judge_that_failed_or_was_cut_is_unreadable(tmp_path: Path) -> None:
    judge = judging(Reply(failure="HTTP 500"), Reply("評価：[[5]]", cut=True))
    scores, _ = play(MtBenchJa(), items_of(tmp_path)[MATH], judge)
    assert scores.unreadable == ("rating", "turn_1", "turn_2")
    assert scores.note == "turn 1: the judge gave no verdict: HTTP 500; turn 2: the verdict was cut"


def failing_in(turn: int) -> Callable[[Ask], Reply]:
    usual = judging()

    def answer(ask: Ask) -> Reply:
        failed = ask.by == "model" and len(texts_of(ask)) == 2 * turn - 1
        return Reply(failure="HTTP 500") if failed else usual(ask)

    return answer


def test_a_failed_first_answer_has_the_lowest_rating_in_both_turns(tmp_path: Path) -> None:
    scores, turns = play(MtBenchJa(), items_of(tmp_path)[MATH], failing_in(1))
    assert {name: scores.values[name] for name in MtBenchJa().metrics} == {"rating": 1, "turn_1": 1, "turn_2": 1}
    assert [len(asks) for asks in turns] == [1, 0, 0]


def test_a_failed_second_answer_is_not_shown_to_the_judge(tmp_path: Path) -> None:
    scores, turns = play(MtBenchJa(), items_of(tmp_path)[MATH], failing_in(2))
    assert {name: scores.values[name] for name in MtBenchJa().metrics} == {"rating": 4.5, "turn_1": 8, "turn_2": 1}
    assert [[ask.by for ask in asks] for asks in turns] == [["model"], ["model"], ["judge"]]


def test_an_empty_answer_has_the_lowest_rating(tmp_path: Path) -> None:
    usual = judging()
    scores, turns = play(
        MtBenchJa(), items_of(tmp_path)[MATH], lambda ask: Reply("", cut=True) if ask.by == "model" else usual(ask)
    )
    assert scores.values["rating"] == 1 and turns[2] == []


def test_the_judge_sees_a_reference_only_where_it_belongs(tmp_path: Path) -> None:
    items = items_of(tmp_path)
    shown = {}
    for number in (WRITING, MATH, STEM):
        _, turns = play(MtBenchJa(), items[number], judging())
        shown[number] = ["\n".join(texts_of(ask)) for ask in turns[2]]
    assert "参照7" in shown[MATH][0] and "参照14" not in shown[MATH][0]
    assert "参照7" in shown[MATH][1] and "参照14" in shown[MATH][1]
    assert not any("模範" in text or "参考回答" in text for number in (WRITING, STEM) for text in shown[number])
    assert [item.expected for item in items] == ["", "参照7\n\n参照14", ""]


def test_nothing_of_the_second_turn_is_seen_in_the_first(tmp_path: Path) -> None:
    for item, row in zip(items_of(tmp_path), QUESTIONS, strict=True):
        _, ([first], [second], [judged_first, judged_second]) = play(MtBenchJa(), item, judging())
        early, late = row["turns"]
        assert texts_of(first) == [early]
        assert texts_of(second) == [early, f"「{early}」への答え", late]
        assert [message["role"] for message in second.body["messages"]] == ["user", "assistant", "user"]
        assert early in texts_of(judged_first)[1] and late not in "".join(texts_of(judged_first))
        assert all(text in texts_of(judged_second)[1] for text in (early, late, f"「{late}」への答え"))


@pytest.mark.parametrize(
    ("category", "temperature"),
    [
        ("writing", 0.7),
        ("roleplay", 0.7),
        ("extraction", 0.0),
        ("math", 0.0),
        ("coding", 0.0),
        ("reasoning", 0.0),
        ("stem", 0.1),
        ("humanities", 0.1),
        ("other", 0.7),
    ],
)
def test_the_temperature_is_that_of_the_category(tmp_path: Path, category: str, temperature: float) -> None:
    question = {**QUESTIONS[MATH], "category": category}
    [item] = MtBenchJa().load(write_questions(tmp_path, [question])).items
    _, ([first], [second], judged) = play(MtBenchJa(max_tokens=77, judge_tokens=99), item, judging())
    assert item.tags == {"category": category}
    assert [ask.label for ask in (first, second, *judged)] == ["turn 1", "turn 2"] * 2
    assert item.question == "turn 1:\n三足す四は？\n\nturn 2:\nそれを倍にすると？"
    assert [ask.body["temperature"] for ask in (first, second)] == [temperature] * 2
    assert [ask.body["max_tokens"] for ask in (first, second)] == [77] * 2
    assert [(ask.by, ask.body["temperature"], ask.body["max_tokens"]) for ask in judged] == [("judge", 0, 99)] * 2


def test_samples_are_drawn_where_the_temperature_allows_it(tmp_path: Path) -> None:
    items = items_of(tmp_path)
    ratings = iter([2, 4, 6, 8, 10, 9])

    def answer(ask: Ask) -> Reply:
        if ask.by == "model":
            return Reply(f"{ask.sample}番目の答え")
        rating = next(ratings)
        return Reply("なし" if rating == 4 else f"[[{rating}]]")

    scores, turns = play(MtBenchJa(samples=3), items[WRITING], answer)
    assert [[ask.sample for ask in asks] for asks in turns[:2]] == [[0, 1, 2], [0, 1, 2]]
    assert [ask.label for ask in turns[1]] == [f"turn 2 of sample {number}" for number in range(3)]
    assert {name: scores.values[name] for name in MtBenchJa().metrics} == {
        "rating": pytest.approx((7 + 9.5) / 2),
        "turn_1": (2 + 6 + 10) / 3,
        "turn_2": (8 + 9) / 2,
    }
    assert scores.unreadable == ()
    assert scores.note == "turn 2 of sample 0: the verdict has no rating from 1 to 10"
    _, turns = play(MtBenchJa(samples=3), items[MATH], judging())
    assert len(turns[0]) == 1


@pytest.mark.parametrize(
    ("questions", "references", "message"),
    [
        ([{**QUESTIONS[0], "turns": ["一つだけ"]}], REFERENCES, "question 1 of .* has 1 turns, and should have 2"),
        (QUESTIONS, REFERENCES[:1], r"has 0 answers to question 2 \(math\), and should have 2"),
    ],
)
def test_data_that_do_not_fit_are_named(
    tmp_path: Path, questions: list[dict[str, Any]], references: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        MtBenchJa().load(write_questions(tmp_path, questions, references))


def test_missing_data_come_with_the_way_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="repository Stability-AI/FastChat, branch jp-stable"):
        MtBenchJa().load(tmp_path)


def many(folder: Path, count: int) -> tuple[Item, ...]:
    rows = [{**QUESTIONS[WRITING], "question_id": number} for number in range(count)]
    return MtBenchJa().load(write_questions(folder, rows)).items


def test_a_judge_that_always_says_the_same_is_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    benchmark, items = MtBenchJa(), many(tmp_path, 10)
    with caplog.at_level(logging.WARNING):
        same = benchmark.overall([(item, play(benchmark, item, judging("[[7]]", "[[7]]"))[0]) for item in items])
        assert "mt_bench_ja: the judge gave every answer the rating 7" in caplog.text
        caplog.clear()
        other = benchmark.overall([(item, play(benchmark, item, judging("[[7]]", "なし"))[0]) for item in items[:9]])
        different = benchmark.overall([(item, play(benchmark, item, judging())[0]) for item in items])
        assert caplog.text == ""
    assert same == {"unreadable_verdicts": 0, "lowest_verdict": 7, "highest_verdict": 7}
    assert other == {"unreadable_verdicts": 9, "lowest_verdict": 7, "highest_verdict": 7}
    assert different == {"unreadable_verdicts": 0, "lowest_verdict": 5, "highest_verdict": 8}


def run(folder: Path, model: str, judge: RemoteModel) -> dict[str, Any]:
    evaluation = Evaluation(name="test", benchmarks=(MtBenchJa(),), data=str(folder), judge=judge)
    done = evaluate(evaluation, answerer(RemoteModel(urls=(model,)), "endpoint"), folder / "run")
    results: dict[str, Any] = json.loads(done.results.read_text("utf-8"))["benchmarks"][0]
    return results


def test_a_run_counts_failures_and_unreadable_verdicts(tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> str | web.Response:
        text = body["messages"][-1]["content"]
        return web.Response(status=400) if text == "速さは？" else f"答え：{text}"

    def judge(body: dict[str, Any]) -> str:
        text = body["messages"][-1]["content"]
        return "読めない" if "春の詩" in text else "評価：[[9]]"

    write_questions(tmp_path)
    with scripted(answer) as model, scripted(judge, name="judge") as other:
        found = run(tmp_path, model, RemoteModel(urls=(other,)))
    assert found["failed"] == 1
    assert {name: (each["mean"], each["items"], each["unreadable"]) for name, each in found["metrics"].items()} == {
        "rating": ((9 + 5) / 2, 2, 1),
        "turn_1": (9, 2, 1),
        "turn_2": ((9 + 1) / 2, 2, 1),
    }
    assert found["scale"] == [1, 10] and found["overall"]["unreadable_verdicts"] == 2


def test_without_a_judge_the_summary_says_so(tmp_path: Path) -> None:
    write_questions(tmp_path)
    write_rows(tmp_path / "mt_bench_ja" / "other.jsonl", QUESTIONS)
    with scripted(lambda body: "答え") as model, pytest.raises(InputError, match="mt_bench_ja: it needs a judge"):
        run(tmp_path, model, RemoteModel())


def test_a_judge_without_chats_is_named(tmp_path: Path) -> None:
    write_questions(tmp_path)
    reason = r"it needs a judge: .* answered 400: the prompt is too long"
    with scripted(lambda body: "答え") as model, scripted(lambda body: refused(), name="judge") as judge:
        judging = RemoteModel(urls=(judge,))
        with pytest.raises(InputError, match=reason):
            run(tmp_path, model, judging)


def test_results_say_which_model_judged(tmp_path: Path) -> None:
    write_questions(tmp_path)
    with scripted(lambda body: "答え") as model, scripted(lambda body: "[[5]]", name="judge") as judge:
        run(tmp_path, model, RemoteModel(urls=(judge,)))
    results = json.loads((tmp_path / "run" / "results.json").read_text("utf-8"))
    assert results["judge"] == {"name": "judge", "fingerprint": "judge f", "urls": [judge]}
