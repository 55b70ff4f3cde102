"""Unmodified clients of the server: openai, lm-eval, inspect-ai, curl; and schemathesis, which tries to break it."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import openai
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from inspect_ai.model import ChatMessageUser, GenerateConfig, get_model
from lm_eval.api.instance import Instance
from lm_eval.models.openai_completions import LocalChatCompletion, LocalCompletionsAPI
from scipy.special import log_softmax

from tests.inference.server.conftest import Server
from tests.inference.untrained import logits_of

pytestmark = pytest.mark.peers

QUESTION: Any = [{"role": "user", "content": "狸は何を食べますか🦝"}]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")


@pytest.fixture
def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}/v1"


def test_openai_in_all_its_ways(server: Server, url: str) -> None:
    fields: Any = {"model": "untrained", "messages": QUESTION, "max_tokens": 20, "seed": 4}
    expected = server.post("/v1/chat/completions", **fields).json["choices"][0]["message"]["content"]
    client = openai.OpenAI(base_url=url)
    assert client.chat.completions.create(**fields).choices[0].message.content == expected
    parts = client.chat.completions.create(stream=True, stream_options={"include_usage": True}, **fields)
    chunks = [*parts]
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == expected
    assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens > 0
    text = client.completions.create(model="untrained", prompt="狸", max_tokens=3, logprobs=2, echo=True)
    assert text.choices[0].logprobs is not None and text.choices[0].logprobs.tokens
    vectors = client.embeddings.create(model="untrained", input=["a", "狸"])
    assert [len(each.embedding) for each in vectors.data] == [64, 64]
    assert [model.id for model in client.models.list()] == ["untrained"]

    async def asynchronous() -> str:
        async with openai.AsyncOpenAI(base_url=url) as client:
            stream = await client.chat.completions.create(stream=True, **fields)
            return "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])

    assert asyncio.run(asynchronous()) == expected
    for wrong, kind in [({"model": "other"}, openai.NotFoundError), ({"max_tokens": -1}, openai.BadRequestError)]:
        with pytest.raises(kind):
            client.chat.completions.create(**fields | wrong)


def items() -> Iterator[tuple[str, str]]:
    """Yield contexts and continuations: bytes of characters, shared beginnings, empty contexts, and others."""
    random = np.random.default_rng(0)
    words = ["狸", "狐が", " raccoon", "🦝", "鬱", " dog:", "\n", "。", "fox", "É"]
    for number in range(50):
        context = "".join(random.choice(words, 12))
        yield context, "🦝" + "鬱" * (number % 3)
        yield context, " fox"
        yield context, " fox dog"
        yield "" if number % 5 == 0 else context[:3], "".join(random.choice(words, 4))


def moved_space(context: str, continuation: str) -> tuple[str, str]:
    """Return the texts as lm-eval cuts them: white space between them belongs to the continuation."""
    bare = context.rstrip()
    return bare, context[len(bare) :] + continuation


def log_likelihoods(url: str, pairs: list[tuple[str, str]]) -> list[tuple[float, bool]]:
    model = LocalCompletionsAPI(base_url=f"{url}/completions", model="untrained", num_concurrent=4, max_length=128)
    requests = [
        Instance(request_type="loglikelihood", doc={}, arguments=pair, idx=number) for number, pair in enumerate(pairs)
    ]
    return model.loglikelihood(requests, disable_tqdm=True)


def test_lm_eval_gets_the_likelihoods_of_the_forward_pass(server: Server, url: str) -> None:
    pairs, loaded = [*items()], server.served.loaded
    assert len(pairs) == 200
    found = log_likelihoods(url, pairs)
    for (context, continuation), (value, greedy) in zip(pairs, found, strict=True):
        context, continuation = moved_space(context, continuation)
        whole = loaded.tokenizer.encode(context + continuation)
        begin = loaded.tokenizer.encode(context) if context else [loaded.tokenizer.bos or loaded.end_ids[0]]
        ids = whole if context else [*begin, *whole]
        scores = log_softmax(logits_of(loaded, ids), axis=1)[len(begin) - 1 : -1]
        target = ids[len(begin) :]
        assert value == pytest.approx(float(scores[range(len(target)), target].sum()), abs=1e-4)
        assert greedy == (scores[:, : loaded.tokenizer.vocabulary].argmax(axis=1).tolist() == target)
    order = np.random.default_rng(1).permutation(200)
    again = log_likelihoods(url, [pairs[number] for number in order])
    assert [again[[*order].index(number)] for number in range(200)] == found


def test_lm_eval_generates_by_both_endpoints(server: Server, url: str) -> None:
    until = {"until": ["\n\n"], "max_gen_toks": 12, "temperature": 0}
    plain = LocalCompletionsAPI(base_url=f"{url}/completions", model="untrained", max_length=128)
    request = Instance(request_type="generate_until", doc={}, arguments=("狸は", until), idx=0)
    expected = server.post("/v1/completions", prompt="狸は", max_tokens=12, temperature=0).json["choices"][0]["text"]
    assert expected.startswith(plain.generate_until([request], disable_tqdm=True)[0].rstrip("\ufffd")[:3])
    chat = LocalChatCompletion(base_url=f"{url}/chat/completions", model="untrained")
    history = chat.apply_chat_template(QUESTION)
    request = Instance(request_type="generate_until", doc={}, arguments=(history, until), idx=0)
    [answer] = chat.generate_until([request], disable_tqdm=True)
    fields = {"messages": QUESTION, "max_tokens": 12, "temperature": 0}
    assert answer == server.post("/v1/chat/completions", **fields).json["choices"][0]["message"]["content"]


def test_inspect_ai_generates(server: Server, url: str) -> None:
    model = get_model(
        "openai-api/local/untrained", base_url=url, api_key="none", config=GenerateConfig(max_tokens=12, temperature=0)
    )
    output = asyncio.run(model.generate([ChatMessageUser(content=QUESTION[0]["content"])]))
    fields = {"messages": QUESTION, "max_tokens": 12, "temperature": 0}
    assert output.completion == server.post("/v1/chat/completions", **fields).json["choices"][0]["message"]["content"]


def test_curl_reads_a_stream(url: str) -> None:
    body = json.dumps({"messages": QUESTION, "stream": True, "max_tokens": 5})
    words = ["curl", "-sN", f"{url}/chat/completions", "-H", "Content-Type: application/json", "-d", body]
    done = subprocess.run(words, capture_output=True, check=True)
    assert done.stdout.endswith(b"data: [DONE]\n\n") and done.stdout.startswith(b'data: {"id"')


def test_no_request_of_the_schema_breaks_the_server(server: Server, url: str) -> None:
    schema = schemathesis.openapi.from_url(f"{url.removesuffix('/v1')}/openapi.json")
    before = server.post("/v1/completions", prompt="狸", max_tokens=9, temperature=0).json["choices"]
    counts = SimpleNamespace(calls=0)

    @settings(max_examples=60, deadline=None, suppress_health_check=[*HealthCheck])
    def call(case: Any) -> None:
        response = case.call(timeout=60)
        counts.calls += 1
        assert response.status_code < 500, response.text
        if response.status_code >= 400:
            assert {*response.json()["error"]} == {"message", "type", "param", "code"}, response.text

    for operation in schema.get_all_operations():
        given(case=operation.ok().as_strategy())(call)()
    assert counts.calls > 200
    assert server.post("/v1/completions", prompt="狸", max_tokens=9, temperature=0).json["choices"] == before
