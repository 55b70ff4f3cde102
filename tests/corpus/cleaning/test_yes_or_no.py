import math
from typing import Any

import pytest
from aiohttp import web

from tanuki_jax.base.errors import CommandError, InputError
from tanuki_jax.client.rehearsal.behaviour import Behaviour
from tanuki_jax.config.endpoints import Endpoint
from tanuki_jax.corpus.cleaning.yes_or_no import probabilities_of_yes, probability_of_yes, says_yes
from tests.corpus.cleaning.endpoints import in_a_thread, mock_teacher, replying

PROMPTS = [f"文書{n}。 Answer yes or no." for n in range(20)]


def answer(*tokens: dict[str, float]) -> dict[str, Any]:
    """Return a chat completion whose tokens have these alternatives; the first of each is the token itself."""
    rows = []
    for chances in tokens:
        top = [{"token": token, "logprob": math.log(chance)} for token, chance in chances.items()]
        rows.append({**top[0], "top_logprobs": top})
    return {"choices": [{"message": {"content": ""}, "logprobs": {"content": rows}}]}


def test_the_probability_is_that_of_yes_among_yes_and_no() -> None:
    assert probability_of_yes(answer({"Yes": 0.6, "No": 0.2, "The": 0.2})) == pytest.approx(0.75)
    assert probability_of_yes(answer({" yes": 0.3, "YES": 0.3, "no": 0.2, "いいえ": 0.2})) == pytest.approx(0.6)
    assert probability_of_yes(answer({"ĠYes": 0.3, "▁Yes": 0.3, "ĠNo": 0.2})) == pytest.approx(0.75)
    assert probability_of_yes(answer({"は": 0.5, "いい": 0.5})) == pytest.approx(0.5)  # parts of はい and いいえ


def test_marks_before_the_word_are_passed_over() -> None:
    assert probability_of_yes(answer({"\n": 0.9, "Yes": 0.1}, {"**": 1.0}, {"No": 0.9, "Yes": 0.1})) == pytest.approx(
        0.1
    )


@pytest.mark.parametrize("tokens", [[{"The": 0.9, "Yes": 0.05}], [{"Nothing": 1.0}], [{"\n": 1.0}]])
def test_an_answer_of_neither_is_no_probability(tokens: list[dict[str, float]]) -> None:
    assert math.isnan(probability_of_yes(answer(*tokens)) or 0.0)


@pytest.mark.parametrize("logprobs", [None, {}, {"content": None}, {"content": []}, [], 3])
def test_an_endpoint_without_probabilities_gives_none(logprobs: Any) -> None:
    assert probability_of_yes({"choices": [{"message": {"content": "Yes"}, "logprobs": logprobs}]}) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Yes.", True), (" **no**", False), ("はい、そうです", True), ("いいえ", False), ("Nothing", None), ("", None)],
)
def test_a_word_is_read_at_the_beginning(text: str, expected: bool | None) -> None:
    assert says_yes(text) is expected


def test_without_probabilities_the_share_of_yes_counts() -> None:
    with in_a_thread(mock_teacher(Behaviour())) as url:
        endpoint = Endpoint(url=url, model="rehearsal")
        found = probabilities_of_yes(endpoint, PROMPTS, answers=4, patience=20, unreachable_seconds=20)
        again = probabilities_of_yes(endpoint, PROMPTS[::-1], answers=4, patience=20, unreachable_seconds=20)
    assert found == again[::-1]
    assert {0.0, 0.25, 0.5, 0.75, 1.0} >= set(found)
    assert len(set(found)) > 2


@pytest.mark.thorough
def test_faults_that_pass_change_nothing() -> None:
    with in_a_thread(mock_teacher(Behaviour())) as url:
        expected = probabilities_of_yes(
            Endpoint(url=url, model="rehearsal"), PROMPTS[:4], answers=2, patience=60, unreachable_seconds=60
        )
    with in_a_thread(mock_teacher(Behaviour(unavailable=0.1, broken_json=0.1, reset=0.1))) as url:
        endpoint = Endpoint(url=url, model="rehearsal")
        assert probabilities_of_yes(endpoint, PROMPTS[:4], answers=2, patience=60, unreachable_seconds=60) == expected


@pytest.mark.thorough
def test_a_prompt_that_is_refused_has_a_reason_and_the_others_a_number() -> None:
    def reply(prompt: str) -> Any:
        for name, status in (("文書3。", 400), ("文書5。", 501)):
            if name in prompt:
                return web.json_response({"error": {"message": "the prompt is too long"}}, status=status)
        return ("?", {"Yes": 0.5, "No": 0.5} if "文書4。" not in prompt else None)

    with in_a_thread(replying(reply)) as url:
        found = probabilities_of_yes(
            Endpoint(url=url, model="m"), PROMPTS, answers=2, patience=20, unreachable_seconds=20
        )
    assert "the prompt is too long" in str(found[3])
    assert "501" in str(found[5])
    assert "the answer is neither yes nor no: '?'" in str(found[4])
    assert {value for n, value in enumerate(found) if n not in (3, 4, 5)} == {0.5}


def test_an_endpoint_that_cannot_be_used_is_an_error() -> None:
    with in_a_thread(mock_teacher(Behaviour())) as url, pytest.raises(InputError, match="there is no model"):
        probabilities_of_yes(Endpoint(url=url, model="other"), PROMPTS, answers=2, patience=20, unreachable_seconds=20)
    with pytest.raises(CommandError):
        probabilities_of_yes(
            Endpoint(url=url, model="rehearsal"), PROMPTS, answers=2, patience=0.5, unreachable_seconds=0.5
        )
