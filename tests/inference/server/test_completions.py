"""`/v1/completions`: what is streamed is what is not streamed, and scores are the model's."""

from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax

from tests.inference.server.conftest import Server
from tests.inference.untrained import logits_of

PATH = "/v1/completions"
PROMPTS = ["狸が🦝を", "def raccoon(", "。", "The quick 🦝"]


def streamed(server: Server, **fields: Any) -> tuple[str, list[str], Any]:
    """Return joined text, finish reasons, and usage of a streamed answer."""
    events = server.post(PATH, stream=True, stream_options={"include_usage": True}, **fields).events
    choices = [choice for event in events for choice in event["choices"]]
    reasons = [choice["finish_reason"] for choice in choices if choice["finish_reason"]]
    return "".join(choice["text"] for choice in choices), reasons, events[-1]["usage"]


@pytest.mark.parametrize("max_tokens", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("temperature", [0, 1.5])
def test_what_is_streamed_is_what_is_not(server: Server, max_tokens: int, temperature: float) -> None:
    for prompt in PROMPTS:
        fields: dict[str, Any] = {"prompt": prompt, "max_tokens": max_tokens, "temperature": temperature, "seed": 3}
        plain = server.post(PATH, **fields).json
        text, reasons, usage = streamed(server, **fields)
        assert text == plain["choices"][0]["text"]
        assert reasons == [plain["choices"][0]["finish_reason"]]
        assert usage == plain["usage"]
        assert usage["prompt_tokens"] == len(server.served.loaded.tokenizer.encode(prompt))
        assert usage["completion_tokens"] <= max_tokens
        if reasons == ["length"]:
            assert usage["completion_tokens"] == max_tokens


def test_every_stop_gives_the_same_text_streamed_and_not(server: Server) -> None:
    fields: dict[str, Any] = {"prompt": PROMPTS[0], "max_tokens": 40, "temperature": 1, "seed": 5}
    whole = server.post(PATH, **fields).json["choices"][0]["text"]
    pieces = {whole[at : at + size] for at in range(len(whole)) for size in (1, 2, 5)}
    for stop in [*sorted(pieces)[::7], [whole[3:5], whole[4:9]], [whole[4:9], whole[2:12]]]:
        words = [stop] if isinstance(stop, str) else stop
        expected = whole[: min(whole.index(word) for word in words)]
        plain = server.post(PATH, stop=stop, **fields).json["choices"][0]
        text, reasons, _ = streamed(server, stop=stop, **fields)
        assert (text, plain["text"], reasons) == (expected, expected, ["stop"]), stop


def test_several_prompts_and_answers_come_in_order(server: Server) -> None:
    fields: dict[str, Any] = {"prompt": PROMPTS, "n": 2, "max_tokens": 5, "temperature": 1, "seed": 1}
    body = server.post(PATH, **fields).json
    assert [choice["index"] for choice in body["choices"]] == [*range(8)]
    for number, prompt in enumerate(PROMPTS):
        alone = server.post(PATH, **fields | {"prompt": prompt}).json["choices"]
        assert [c["text"] for c in body["choices"][2 * number : 2 * number + 2]] == [c["text"] for c in alone]
    events = server.post(PATH, stream=True, **fields).events
    texts = ["".join(c["text"] for e in events for c in e["choices"] if c["index"] == index) for index in range(8)]
    assert texts == [choice["text"] for choice in body["choices"]]
    assert len({choice["text"] for choice in body["choices"]}) > 6, "answers to one prompt differ"


def test_echoed_scores_are_those_of_the_forward_pass(server: Server) -> None:
    loaded = server.served.loaded
    ids = loaded.tokenizer.encode("🦝狸 raccoon" * 4)
    body = server.post(PATH, prompt=ids, max_tokens=1, echo=True, logprobs=1, temperature=0).json
    [choice] = body["choices"]
    scores = choice["logprobs"]
    assert len(scores["token_logprobs"]) == len(ids) + 1 and scores["token_logprobs"][0] is None
    expected = log_softmax(logits_of(loaded, ids), axis=1)
    best = [int(row[: loaded.tokenizer.vocabulary].argmax()) for row in expected]
    wanted = expected[range(len(ids)), [*ids[1:], best[-1]]]
    np.testing.assert_allclose(scores["token_logprobs"][1:], wanted, atol=1e-4)
    for place, (value, top) in enumerate(zip(scores["token_logprobs"][1:], scores["top_logprobs"][1:], strict=True)):
        greedy = value == max(top.values())
        assert greedy == (best[place] == [*ids, best[-1]][place + 1]), "as lm-eval finds out what is greedy"
    assert choice["text"].startswith(loaded.tokenizer.decode(ids))
    assert server.post(PATH, prompt=ids, max_tokens=0, echo=True, logprobs=1).json["choices"][0]["logprobs"] == {
        name: values[:-1] for name, values in scores.items()
    }


def test_offsets_of_tokens_lead_to_their_texts(server: Server) -> None:
    prompt = "狸🦝 fox鬱"
    choice = server.post(PATH, prompt=prompt, max_tokens=0, echo=True, logprobs=0).json["choices"][0]
    scores = choice["logprobs"]
    assert any(token.startswith("bytes:") for token in scores["tokens"]) and choice["text"] == prompt
    for token, offset in zip(scores["tokens"], scores["text_offset"], strict=True):
        assert token.startswith("bytes:") or prompt[offset:].startswith(token)


def test_a_stream_has_the_scores_of_all_tokens(server: Server) -> None:
    fields: dict[str, Any] = {"prompt": "狸", "max_tokens": 9, "echo": True, "logprobs": 3, "temperature": 0}
    plain = server.post(PATH, **fields).json["choices"][0]["logprobs"]
    parts = [c["logprobs"] for e in server.post(PATH, stream=True, **fields).events for c in e["choices"]]
    assert {name: [value for part in parts for value in part[name]] for name in plain} == plain


def test_sampling_depends_on_the_seed(server: Server) -> None:
    fields: dict[str, Any] = {"prompt": "狸", "max_tokens": 20, "temperature": 1}
    texts = [server.post(PATH, seed=seed, **fields).json["choices"][0]["text"] for seed in (1, 1, 2, -1, 2**64 - 1)]
    assert texts[0] == texts[1] != texts[2] and texts[3] == texts[4]
    assert len({server.post(PATH, **fields).json["choices"][0]["text"] for _ in range(4)}) > 1


def test_bias_and_penalties_change_what_is_written(server: Server) -> None:
    fields: dict[str, Any] = {"prompt": "狸", "max_tokens": 12, "temperature": 0}
    [fox] = server.served.loaded.tokenizer.encode("x")
    biased = server.post(PATH, logit_bias={str(fox): 100}, **fields).json
    assert biased["choices"][0]["text"] == "x" * 12
    biased = server.post(PATH, logit_bias={str(fox): 100}, frequency_penalty=2, logprobs=0, **fields).json
    assert biased["choices"][0]["text"] == "x" * 12, "100 - 2 x 11 is still the most"
    pair = {str(fox): 50, str(fox + 1): 49}
    for penalty in ({"presence_penalty": 2}, {"frequency_penalty": 2}):
        scores = server.post(PATH, logit_bias=pair, logprobs=0, **fields, **penalty).json["choices"][0]["logprobs"]
        assert {*scores["tokens"]} >= {"x"} and len({*scores["tokens"]}) == 2, "the second best gets its turn"
    once = server.post(PATH, repetition_penalty=100, **fields).json["choices"][0]
    assert once["text"] != server.post(PATH, **fields).json["choices"][0]["text"]


def test_an_answer_ends_where_the_model_ends(server: Server) -> None:
    body = server.post(PATH, prompt="狸", max_tokens=10**9, temperature=0).json
    usage = body["usage"]
    assert body["choices"][0]["finish_reason"] in ("length", "stop")
    assert server.post(PATH, prompt="狸", max_tokens=None, temperature=0).status == 200
    assert usage["total_tokens"] <= server.served.engine.longest
    assert server.post(PATH, prompt="狸", temperature=0).json["usage"]["completion_tokens"] <= 16, "OpenAI's default"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": []}, "prompt"),
        ({"prompt": [400]}, "prompt"),
        ({"prompt": [-1]}, "prompt"),
        ({"prompt": ["a", 5]}, "prompt"),
        ({"prompt": "a" * 5000}, "prompt"),
        ({}, "prompt"),
        ({"prompt": "a", "max_tokens": -1}, "max_tokens"),
        ({"prompt": "a", "max_tokens": 1.5}, "max_tokens"),
        ({"prompt": "a", "temperature": float("nan")}, "temperature"),
        ({"prompt": "a", "temperature": -1}, "temperature"),
        ({"prompt": "a", "top_p": 2}, "top_p"),
        ({"prompt": "a", "n": 0}, "n"),
        ({"prompt": "a", "stop": ["a"] * 10_000}, "stop"),
        ({"prompt": "a", "logit_bias": {"400": 1}}, "logit_bias"),
        ({"prompt": "a", "logit_bias": {"a": 1}}, "logit_bias"),
        ({"prompt": "a", "logit_bias": {"-1": 1}}, "logit_bias"),
        ({"prompt": "a", "logit_bias": {"5": 1e9}}, "logit_bias"),
        ({"prompt": "a", "logprobs": 21}, "logprobs"),
        ({"prompt": "a", "suffix": "b"}, "suffix"),
        ({"prompt": "a", "best_of": 2}, "best_of"),
        ({"prompt": "a", "seed": 2**70}, "seed"),
        ({"prompt": "a", "n": 69}, "prompt"),
        ({"prompt": ["a"] * 69}, "prompt"),
        ({"prompt": "a", "response_format": {"type": "json_schema"}}, "response_format"),
    ],
)
def test_bad_values_are_refused_by_name(server: Server, fields: dict[str, Any], param: str) -> None:
    reply = server.post(PATH, **fields)
    assert reply.status == 400, reply.body
    assert reply.json["error"]["param"] == param and reply.json["error"]["message"].startswith(f"{param}: ")
    assert reply.json["error"]["type"] == "invalid_request_error"
