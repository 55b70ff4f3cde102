"""Streams beside whole answers, on 200 Japanese prompts, at every length and at stops of all kinds."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from tests.inference.server.conftest import Server

pytestmark = pytest.mark.long

WORDS = ["狸が", "山で", "🦝", "寝ていました。", "fox", "\n", "、", "鬱", "👨‍👩‍👧", "é", "「", "」", "ｶﾞ", "１２"]
LONGEST = 40


def both(server: Server, fields: dict[str, Any]) -> tuple[str, str, int]:
    """Return text, reason and number of tokens of an answer, after comparing its two forms."""
    plain = server.post("/v1/completions", **fields).json
    reply = server.post("/v1/completions", stream=True, stream_options={"include_usage": True}, **fields)
    for event in reply.body.split(b"\n\n"):
        event.decode()
    choices = [choice for event in reply.events for choice in event["choices"]]
    [reason] = [choice["finish_reason"] for choice in choices if choice["finish_reason"]]
    assert "".join(choice["text"] for choice in choices) == plain["choices"][0]["text"], fields
    assert reason == plain["choices"][0]["finish_reason"] and reply.events[-1]["usage"] == plain["usage"], fields
    return plain["choices"][0]["text"], reason, plain["usage"]["completion_tokens"]


def check(server: Server, number: int) -> None:
    random = np.random.default_rng(number)
    prompt = "".join(random.choice(WORDS, 6))
    fields: dict[str, Any] = {"prompt": prompt, "seed": number, "temperature": number % 2}
    whole, reason, tokens = both(server, fields | {"max_tokens": LONGEST})
    for length in range(1, LONGEST):
        text, why, count = both(server, fields | {"max_tokens": length})
        assert whole.startswith(text.rstrip("\ufffd\x10")) and count == min(length, tokens), json.dumps(fields)
        assert why == ("length" if length < tokens or reason == "length" else "stop") or length == tokens
    for _ in range(6 if whole else 0):
        at = sorted(random.integers(0, len(whole), 2).tolist())
        word = whole[at[0] : at[1] + 1][:12]
        for stop in (word, [word, word[1:]] if len(word) > 1 else word, [word + "x", word]):
            words = [stop] if isinstance(stop, str) else stop
            expected = whole[: min(whole.index(each) for each in words if each and each in whole)]
            text, why, count = both(server, fields | {"max_tokens": LONGEST, "stop": stop})
            assert (text, why) == (expected, "stop") and count <= tokens, (json.dumps(fields), stop)


def test_200_prompts_at_every_length_and_stop(server: Server) -> None:
    with ThreadPoolExecutor(8) as threads:
        assert len([*threads.map(lambda number: check(server, number), range(200))]) == 200
