import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.records.types import Conversation
from tanuki_jax.corpus.synthesis.recipe import Ask, Dropped, Language, Reply
from tanuki_jax.corpus.synthesis.recipes.judged import Judged, expected_score
from tests.corpus.synthesis.conversations import item
from tests.corpus.synthesis.hostile_texts import HOSTILE, check_quotations
from tests.corpus.synthesis.rehearsed_chain import rehearse

LANGUAGES: tuple[Language, ...] = ("ja", "en")


def answer(**probabilities: float) -> dict[str, Any]:
    """Return the JSON of an answer whose first token has these probabilities, by names such as `d4` or `w_Good`."""
    names = {name: name[2:] if name.startswith("w_") else name[1:] for name in probabilities}
    rows = [{"token": names[name], "logprob": math.log(share)} for name, share in probabilities.items()]
    return {"choices": [{"logprobs": {"content": [{**rows[0], "top_logprobs": rows}]}}]}


def by_digits(ask: Ask, example: str) -> Reply:
    return Reply((example,), answer(d4=0.6, d5=0.2, d3=0.2))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_conversation_keeps_its_score(language: Language) -> None:
    given = item("Why?", "Because.", "How?", "Thus.", system="Be brief.")
    made, rendered = rehearse(Judged(language=language), given, answer=by_digits)
    assert isinstance(made.record, Conversation) and isinstance(given.record, Conversation)
    assert made.record.messages == given.record.messages
    assert made.record.metadata["score"] == pytest.approx(4.0)
    assert made.record.metadata["source"] == "test"
    assert (made.record.id, made.record.metadata["parents"]) == ("key", ["parent"])
    prompt = str(rendered[0][-1]["content"])
    assert [prompt.index(text) for text in ("Be brief.", "Why?", "Because.", "How?", "Thus.")] == sorted(
        prompt.index(text) for text in ("Be brief.", "Why?", "Because.", "How?", "Thus.")
    )


def test_the_judge_is_asked_for_one_token_with_its_probabilities() -> None:
    given = item("Why?", "Because.")
    ask = next(Judged().chain(given, given.random(0)))
    assert (ask.by, ask.log_probabilities, ask.sampling.max_tokens, ask.sampling.temperature) == ("judge", True, 1, 0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_texts_stay_in_their_quotation(language: Language) -> None:
    for texts in ((HOSTILE, HOSTILE), ("a", HOSTILE, HOSTILE, HOSTILE)):
        templates = check_quotations(Judged(language=language), item(*texts), answer=by_digits)
        assert templates == {f"judged/score.{language}.jinja"}


def test_low_scores_are_dropped() -> None:
    with pytest.raises(Dropped, match="too low"):
        rehearse(Judged(least_score=4.1), item("Why?", "Because."), answer=by_digits)


@pytest.mark.parametrize(
    ("raw", "score"),
    [
        (answer(d4=1.0), 4.0),
        (answer(d1=0.25, d5=0.75), 4.0),
        (answer(d1=0.2, d2=0.2, d3=0.2, d4=0.2, d5=0.2), 3.0),
        (answer(d5=0.5, w_Good=0.5), 5.0),
        (answer(**{"w_ 4": 0.5, "d4": 0.1, "d2": 0.4}), 3.2),  # the same digit with and without a space
        (answer(**{"w_４": 0.9, "d1": 0.1}), 3.7),
        (answer(**{"w_▁3": 0.5, "w_Ġ3": 0.5}), 3.0),
        (answer(d3=0.6, d10=0.2, d0=0.2), 3.0),
        ({"choices": [{"logprobs": {"content": [{"token": "2", "logprob": 0.0}]}}]}, 2.0),
        ({"choices": [{"logprobs": {"content": [{"token": "2", "logprob": 0.5, "top_logprobs": None}]}}]}, 2.0),
    ],
)
def test_the_score_is_the_mean_of_the_digits(raw: dict[str, Any], score: float) -> None:
    assert expected_score(raw) == pytest.approx(score)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ({}, "no log-probabilities"),
        ({"choices": []}, "no log-probabilities"),
        ({"choices": [{"logprobs": None}]}, "no log-probabilities"),
        ({"choices": [{"logprobs": {"content": []}}]}, "no log-probabilities"),
        ({"choices": [{"logprobs": {"content": [{"token": "4"}]}}]}, "no log-probabilities"),
        ({"choices": [{"logprobs": {"content": [{"token": "4", "logprob": "x"}]}}]}, "no log-probabilities"),
        ({"choices": [{"logprobs": {"content": ["4"]}}]}, "no log-probabilities"),
        (answer(w_Good=0.9, d4=0.1), "gives no score"),
        (answer(d6=0.9, d7=0.1), "gives no score"),
        (answer(w_=1.0), "gives no score"),
        (answer(d44=1.0), "gives no score"),
        (answer(w_四=1.0), "gives no score"),
    ],
)
def test_other_answers_are_no_scores(raw: dict[str, Any], reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        expected_score(raw)


@given(st.lists(st.tuples(st.sampled_from(["1", "2", " 3", "４", "5", "6", "x", ""]), st.floats(-9, 0.1)), min_size=1))
def test_a_score_is_from_one_to_five(tokens: list[tuple[str, float]]) -> None:
    rows = [{"token": token, "logprob": logprob} for token, logprob in tokens]
    try:
        score = expected_score({"choices": [{"logprobs": {"content": [{**rows[0], "top_logprobs": rows}]}}]})
    except Dropped:
        return
    assert 1 <= score <= 5


@pytest.mark.parametrize("texts", [(), ("Why?",), ("Why?", "Because.", "How?"), ("Why?", " ")])
def test_a_conversation_without_a_last_answer_is_dropped(texts: tuple[str, ...]) -> None:
    with pytest.raises(Dropped, match="does not end with question and answer"):
        rehearse(Judged(), item(*texts), answer=by_digits)
