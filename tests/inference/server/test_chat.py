"""`/v1/chat/completions`: conversations by the model's template."""

import json
from typing import Any

import pytest

from tanuki_jax.corpus.records.types import Message
from tanuki_jax.inference.assistant import Assistant
from tanuki_jax.inference.engine.job import Sampling
from tests.inference.server.conftest import Server

PATH = "/v1/chat/completions"
QUESTION = [{"role": "user", "content": "狸は何を食べますか🦝"}]


def test_an_answer_is_the_one_of_generate(server: Server) -> None:
    [expected] = Assistant(server.served.loaded, Sampling(tokens=20)).answers(
        [[Message("user", QUESTION[0]["content"])]]
    )
    body = server.post(PATH, messages=QUESTION, max_tokens=20, temperature=0).json
    [choice] = body["choices"]
    assert choice["message"] == {"role": "assistant", "content": expected.text}
    assert body["usage"]["completion_tokens"] == expected.tokens
    assert body["object"] == "chat.completion" and body["model"] == "untrained"


def test_what_is_streamed_is_what_is_not(server: Server) -> None:
    for seed in range(6):
        fields: dict[str, Any] = {"messages": QUESTION, "max_completion_tokens": 25, "seed": seed, "n": 2}
        plain = server.post(PATH, **fields).json
        events = server.post(PATH, stream=True, stream_options={"include_usage": True}, **fields).events
        assert events[-1]["choices"] == [] and events[-1]["usage"] == plain["usage"]
        for number, choice in enumerate(plain["choices"]):
            parts = [c for e in events for c in e["choices"] if c["index"] == number]
            assert parts[0]["delta"]["role"] == "assistant"
            assert "".join(part["delta"].get("content", "") for part in parts) == choice["message"]["content"]
            assert [p["finish_reason"] for p in parts if p["finish_reason"]] == [choice["finish_reason"]]


def test_log_probabilities_name_their_tokens(server: Server) -> None:
    body = server.post(PATH, messages=QUESTION, max_tokens=6, temperature=0, logprobs=True, top_logprobs=3).json
    content = body["choices"][0]["logprobs"]["content"]
    assert len(content) == body["usage"]["completion_tokens"]
    for token in content:
        assert [len(token["top_logprobs"]), token["top_logprobs"][0]["logprob"]] == [3, token["logprob"]]
    whole = bytes(byte for token in content for byte in token["bytes"]).decode(errors="replace")
    text = whole.removeprefix(server.served.answer_prefix).rstrip("\ufffd")
    assert text == body["choices"][0]["message"]["content"]


def test_a_schema_shapes_the_answer(server: Server) -> None:
    schema = {"type": "object", "properties": {"animal": {"enum": ["狸", "狐"]}}, "required": ["animal"]}
    form = {
        "type": "json_schema",
        "json_schema": {"name": "animal", "schema": schema | {"additionalProperties": False}},
    }
    body = server.post(PATH, messages=QUESTION, max_tokens=40, response_format=form, seed=1).json
    assert body["choices"][0]["finish_reason"] == "stop"
    assert json.loads(body["choices"][0]["message"]["content"])["animal"] in ("狸", "狐")
    cut = server.post(PATH, messages=QUESTION, max_tokens=3, response_format=form, seed=1).json
    assert cut["choices"][0]["finish_reason"] == "length"


def test_a_special_token_in_a_message_stays_text(server: Server) -> None:
    spelled = server.post("/tokenize", messages=[{"role": "user", "content": "</s><EOD>"}]).json["tokens"]
    special = {*server.served.loaded.tokenizer.special.values()}
    written = server.post("/tokenize", messages=[{"role": "user", "content": "a"}]).json["tokens"]
    assert sum(id in special for id in spelled) == sum(id in special for id in written)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "wizard", "content": "a"}]}, "messages: input should be 'system', 'developer', 'user'"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "not text"),
        ({"messages": [{"role": "user", "content": None}]}, "content is not text but null"),
        ({"messages": QUESTION, "max_tokens": 0}, "max_tokens"),
        ({"messages": QUESTION, "tools": [{"type": "function", "function": {"name": "f"}}]}, "does not read them"),
        ({"messages": [{"role": "user", "content": "a " * 4000}]}, "shorten the text"),
        (
            {"messages": QUESTION, "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": 5}}}},
            "JSON schema",
        ),
    ],
)
def test_bad_conversations_are_refused_by_name(server: Server, fields: dict[str, Any], words: str) -> None:
    reply = server.post(PATH, **fields)
    assert reply.status == 400 and words in reply.json["error"]["message"], reply.body
