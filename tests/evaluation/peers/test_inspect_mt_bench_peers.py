"""inspect-ai and our runner give the same ratings, question by question."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.model import get_model

from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.evaluation.benchmarks.mt_bench_ja import METRICS, TEMPERATURES, MtBenchJa
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.evaluation.peers.inspect_mt_bench import mt_bench_ja
from tanuki_jax.evaluation.run_evaluation import answerer, evaluate
from tests.evaluation.benchmarks.judged_questions import write_questions
from tests.evaluation.scripted import answer, scripted

pytestmark = pytest.mark.peers


def number_of(body: dict[str, Any]) -> int:
    """Return a number that depends on all of a request but its seed and its model."""
    said = [(each["role"], each["content"]) for each in body["messages"]]
    text = repr((said, float(body["temperature"]), body["max_tokens"]))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest())


def completion(body: dict[str, Any], text: str) -> dict[str, Any]:
    """Return an answer with all fields that inspect-ai reads."""
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    frame = {"id": "0", "object": "chat.completion", "created": 0, "model": body["model"], "usage": usage}
    return frame | answer(body, text)


def model(body: dict[str, Any]) -> dict[str, Any]:
    """Return an answer; a few are empty."""
    number = number_of(body)
    return completion(body, "" if number % 20 == 0 else f"答え{number}<|im_end|>")


def judge(body: dict[str, Any]) -> dict[str, Any]:
    """Return a verdict; some cannot be read."""
    verdicts = [*(f"評価：[[{rating}]]" for rating in range(1, 11)), "[[ 7.5 ]]", "評価：[[11]]", "分かりません。"]
    return completion(body, verdicts[number_of(body) % len(verdicts)])


def questions(folder: Path) -> Path:
    rows: list[dict[str, Any]] = [
        {"question_id": number, "category": category, "turns": [f"質問{number}の一", f"質問{number}の二"]}
        for number, category in enumerate(category for category in TEMPERATURES for _ in range(10))
    ]
    shown = [{"question_id": row["question_id"], "turns": [f"{turn}の参照" for turn in row["turns"]]} for row in rows]
    return write_questions(folder, rows, shown)


def by_inspect(data: Path, url: str, judge_url: str) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Return the scores of each question, and the means."""
    [log] = inspect_eval(
        mt_bench_ja(data=str(data)),
        model=get_model("openai-api/local/own", base_url=url, api_key="none"),
        model_roles={"grader": get_model("openai-api/local/judge", base_url=judge_url, api_key="none")},
        log_dir=str(data / "logs"),
        display="none",
    )
    assert log.status == "success"
    each = {str(sample.id): dict(sample.scores["ratings"].value) for sample in log.samples}
    return each, {score.name: score.metrics["mean"].value for score in log.results.scores}


def by_ours(data: Path, url: str, judge_url: str) -> dict[str, Any]:
    evaluation = Evaluation(
        name="test", benchmarks=(MtBenchJa(),), data=str(data), judge=RemoteModel(urls=(judge_url,))
    )
    done = evaluate(evaluation, answerer(RemoteModel(urls=(url,)), "endpoint"), data / "run")
    found: dict[str, Any] = json.loads(done.results.read_text("utf-8"))["benchmarks"][0]
    return found


def test_both_give_the_same_ratings_question_by_question(tmp_path: Path) -> None:
    data = questions(tmp_path)
    with scripted(model, name="own") as url, scripted(judge, name="judge") as judge_url:
        each, means = by_inspect(data, url, judge_url)
        ours = by_ours(data, url, judge_url)
    assert len(ours["items"]) == len(each) == 80
    unreadable = 0
    for item in ours["items"]:
        for metric in METRICS:
            theirs = each[item["id"]][metric]
            if metric in item["unreadable"]:
                unreadable += 1
                assert math.isnan(theirs), item
            else:
                assert theirs == item["scores"][metric], item
    assert unreadable > 5
    assert {name: pytest.approx(metric["mean"]) for name, metric in ours["metrics"].items()} == means
