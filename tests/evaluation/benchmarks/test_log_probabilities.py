"""Log-probabilities of texts, from answers with `echo`."""

import pytest

from tanuki_jax.evaluation.benchmark import Reply
from tanuki_jax.evaluation.benchmarks.log_probabilities import ask_probability, read_probability, why_unreadable

TEXT = "狸は夜に動く"
LOGPROBS = {
    "tokens": ["狸", "は夜", "に", "動く", "。"],
    "text_offset": [0, 1, 3, 4, 6],
    "token_logprobs": [None, -2.0, -0.5, -1.0, -3.0],
    "top_logprobs": [None, {"は夜": -2.0}, {"に": -0.5}, {"走る": -0.25, "動く": -1.0}, {"。": -3.0}],
}


def test_the_generated_token_and_the_first_do_not_count() -> None:
    found = read_probability(Reply(logprobs=LOGPROBS), TEXT)
    assert found is not None and (found.nats, found.tokens, found.begin, found.greedy) == (-3.5, 3, 1, False)


def test_a_token_over_the_boundary_counts() -> None:
    found = read_probability(Reply(logprobs=LOGPROBS), TEXT, 2)
    assert found is not None and found.nats == -3.5
    after = read_probability(Reply(logprobs=LOGPROBS), TEXT, 3)
    assert after is not None and (after.nats, after.greedy) == (-1.5, False)


def test_greedy_is_a_text_of_the_likeliest_tokens() -> None:
    first = {name: values[:4] for name, values in LOGPROBS.items()}  # type: ignore[index]
    found = read_probability(Reply(logprobs=first), TEXT[:4], 1)
    assert found is not None and found.greedy and found.nats == -2.5


def counted_by_looks(*tokens: tuple[str, float | None]) -> dict[str, object]:
    """Return log-probabilities whose offsets count what the tokens look like, as those of vLLM."""
    texts = [token for token, _ in tokens]
    offsets = [sum(map(len, texts[:number])) for number in range(len(texts))]
    chances = [chance for _, chance in tokens]
    return {"tokens": texts, "text_offset": offsets, "token_logprobs": chances, "top_logprobs": [None] * len(texts)}


BEGUN = counted_by_looks(("<|begin|>", None), ("狸", -4), ("は夜", -2), ("に", -0.5), ("動く", -1), ("。", -3))
IN_PARTS = counted_by_looks(("�", None), ("��", -4), ("は夜", -2), ("に", -0.5), ("動く", -1), ("。", -3))


@pytest.mark.parametrize("logprobs", [BEGUN, IN_PARTS])
def test_offsets_are_measured_from_the_end_of_the_text(logprobs: object) -> None:
    ending = read_probability(Reply(logprobs=logprobs, input_tokens=5), TEXT, 3)
    assert ending is not None and (ending.nats, ending.tokens, ending.begin) == (-1.5, 2, 3)
    whole = read_probability(Reply(logprobs=logprobs, input_tokens=5), TEXT)
    assert whole is not None and (whole.nats, whole.tokens, whole.begin) == (-7.5, 4, 0)
    assert read_probability(Reply(logprobs=logprobs), TEXT) is None  # nobody says which tokens are the text's


def test_more_tokens_than_there_are_cannot_be_read() -> None:
    assert read_probability(Reply(logprobs=LOGPROBS, input_tokens=6), TEXT) is None
    all_of_them = read_probability(Reply(logprobs=LOGPROBS, input_tokens=5), TEXT + "。")
    assert all_of_them is not None and all_of_them.nats == -6.5


def test_without_the_likeliest_tokens_nothing_is_greedy() -> None:
    found = read_probability(Reply(logprobs={**LOGPROBS, "top_logprobs": [None] * 5}), TEXT)
    assert found is not None and found.nats == -3.5 and found.greedy is None


@pytest.mark.parametrize(
    "logprobs",
    [None, {}, {**LOGPROBS, "text_offset": []}, {**LOGPROBS, "token_logprobs": [None] * 5}, [1], {"text_offset": 3}],
)
def test_what_is_no_log_probability_is_none(logprobs: object) -> None:
    assert read_probability(Reply(logprobs=logprobs), TEXT) is None


@pytest.mark.parametrize("change", [{"token_logprobs": [None, 5.0, 5.0, 5.0, 5.0]}, {"text_offset": [0, 0, 0, 1, 1]}])
def test_impossible_probabilities_are_none(change: dict[str, object]) -> None:
    assert read_probability(Reply(logprobs=LOGPROBS | change), TEXT) is None


def test_a_server_that_ignores_echo_gives_no_probability() -> None:
    own = {"tokens": ["。"], "text_offset": [0], "token_logprobs": [-0.1], "top_logprobs": [{"。": -0.1}]}
    assert read_probability(Reply(logprobs=own), TEXT) is None


def test_the_request_asks_for_the_prompt_back() -> None:
    body = ask_probability(TEXT).body
    assert (body["echo"], body["logprobs"], body["prompt"]) == (True, 1, TEXT)
    assert why_unreadable(Reply(failure="x")) == "x" and "echo" in why_unreadable(Reply())
