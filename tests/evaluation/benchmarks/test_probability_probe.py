"""Models of each tier, and what the four questions count."""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tanuki_jax.evaluation.benchmarks.probability_probe import QUESTIONS, ProbabilityProbe
from tests.evaluation.benchmarks.probe_runs import ran
from tests.evaluation.scripted import refused

MEANING, EVENT, LISTING, COMPLEMENT = (question.text for question in QUESTIONS)
PAIRS = "、".join(f"({a}, {b})" for a, b in itertools.product(range(1, 7), range(1, 7)) if a + b >= 3)
BY_COMPLEMENT = "余事象は和が2の場合で、(1, 1)の1通りです。確率は1/36なので、1-1/36=35/36です。"
BY_COUNTING = "和が3から12までの出方は2+3+4+5+6+5+4+3+2+1=35通りです。よって、確率は35/36です。"
BY_LIST = f"条件に合う組は{PAIRS}です。35通りあるので、答えは36分の35です。"
WRONG = "和が3以上になるのは33通りです。確率は33/36=11/12です。"
MEANING_RIGHT, MEANING_WRONG = "正解は5です。", "正解は1です。"

MODELS = {
    "high": (BY_COMPLEMENT, BY_LIST, BY_COMPLEMENT),
    "knows the trick": (BY_COMPLEMENT, WRONG, BY_COMPLEMENT),
    "must be told": (WRONG, WRONG, BY_COMPLEMENT),
    "low": (WRONG, WRONG, WRONG),
    "other": (BY_COUNTING, BY_LIST, WRONG),
}
"""Tier -> answers to 2, 2a and 2b of a model in it."""


def scripted(event: str, listing: str, complement: str, meaning: str = MEANING_RIGHT) -> Callable[[str], str]:
    answers = {MEANING: meaning, EVENT: event, LISTING: listing, COMPLEMENT: complement}
    return lambda text: answers.get(text, "こんにちは。")


@pytest.mark.parametrize("tier", MODELS)
def test_a_model_comes_into_its_tier(tier: str, tmp_path: Path) -> None:
    result = ran(ProbabilityProbe(samples=2), scripted(*MODELS[tier]), tmp_path)
    assert [name for name in result["overall"] if name.startswith("tier")] == [f"tier: {tier}"]
    right = [float(answer != WRONG) for answer in MODELS[tier]]
    assert [result["overall"][name] for name in ("q1", "q2", "q2a", "q2b")] == [1.0, *right]
    assert result["metrics"]["correct"]["mean"] == (1 + sum(right)) / 4


def test_an_answer_by_counting_is_right_without_the_trick(tmp_path: Path) -> None:
    result = ran(ProbabilityProbe(samples=1), scripted(BY_COUNTING, WRONG, BY_COMPLEMENT), tmp_path)
    overall = result["overall"]
    assert (overall["q2"], overall["q2_complement"], overall["tier: other"]) == (1.0, 0.0, 1.0)


@pytest.mark.parametrize(("right", "tier"), [(2, "must be told"), (3, "knows the trick")])
def test_most_of_the_samples_decide(right: int, tier: str, tmp_path: Path) -> None:
    """Two right answers of four are no majority."""
    turns: dict[str, Iterator[str]] = {EVENT: iter([BY_COMPLEMENT] * right + [WRONG] * (4 - right))}
    others = scripted("", WRONG, BY_COMPLEMENT)
    result = ran(
        ProbabilityProbe(samples=4), lambda text: next(turns[text]) if text in turns else others(text), tmp_path
    )
    assert result["overall"]["q2"] == right / 4 and result["overall"][f"tier: {tier}"] == 1.0


def test_samples_are_drawn_and_share_a_cluster(tmp_path: Path) -> None:
    result = ran(ProbabilityProbe(samples=3), scripted(*MODELS["low"], meaning=MEANING_WRONG), tmp_path)
    items = result["items"]
    assert len(items) == len({item["id"] for item in items}) == 12
    assert [item["cluster"] for item in items[:4]] == ["q1", "q1", "q1", "q2"]
    assert all(len(item["answers"]) == 1 for item in items)
    assert json.loads((tmp_path / "run" / "results.json").read_text("utf-8"))["benchmarks"][0]["overall"]["q1"] == 0


def test_each_sample_is_asked_at_the_temperature_of_the_talk() -> None:
    probe = ProbabilityProbe()
    asks = [next(probe.chain(item))[0] for item in probe.load(Path()).items]
    assert len(asks) == 32 and [ask.sample for ask in asks[:9]] == [*range(8), 0]
    assert all((ask.body["temperature"], ask.body["top_p"]) == (0.7, 1.0) for ask in asks)


def test_a_failed_request_is_wrong_and_uses_no_trick(tmp_path: Path) -> None:
    good = scripted(*MODELS["high"])

    def script(text: str) -> str | web.Response:
        return refused() if text in (EVENT, LISTING) else good(text)

    result: dict[str, Any] = ran(ProbabilityProbe(samples=1), script, tmp_path)
    assert result["failed"] == 2 and result["metrics"]["correct"]["items"] == 4
    assert {name: result["overall"][name] for name in ("q2", "q2_complement", "q2a", "q2a_listed", "q2b")} == {
        **{"q2": 0, "q2_complement": 0, "q2a": 0, "q2a_listed": 0, "q2b": 1}
    }
    assert "tier: must be told" in result["overall"]


def test_the_talk_s_answers_are_expected() -> None:
    expected = {item.id: item.expected for item in ProbabilityProbe(samples=1).load(Path()).items}
    assert expected == {"q1/0": "5", "q2/0": "35/36", "q2a/0": "35/36", "q2b/0": "35/36"}
