"""A server whose generated answers are numbers drawn by the end of the prompt.

A small model is right by chance in a multiple choice, but never writes a right answer, so that any two scores of it
agree. This proxy leaves log-probabilities to the model and writes answers of its own, some of them right: the same one
for the same prompt, as text or as tokens, and another one if two tools ask in different words.
"""

import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
from aiohttp import web

from tests.client.canned import serving
from tests.corpus.cleaning.endpoints import in_a_thread

_END = 120
"""Characters at the end of a prompt by which an answer is drawn."""
_FORMS = ("{}", "{}\n", " {} ", "答えは{}です。", "{}\n\n質問：次", "{}.0", "ですから{}")


@contextlib.contextmanager
def answering_digits(upstream: str) -> Iterator[str]:
    """Yield the address of the proxy of a server, both as in http://HOST:PORT/v1."""
    with in_a_thread(_proxy(upstream.removesuffix("/v1"))) as url:
        yield f"{url}/v1"


@contextlib.asynccontextmanager
async def _proxy(upstream: str) -> AsyncIterator[str]:
    async with aiohttp.ClientSession() as session:

        async def handle(request: web.Request) -> web.Response:
            content = await request.read()
            body: Any = json.loads(content) if content else {}
            drawn = request.path.endswith("/completions") and body.get("max_tokens", 0) > 1
            if drawn:
                content = json.dumps(body | {"max_tokens": 1}).encode()  # the model's own text is not used
            url = f"{upstream}{request.path}"
            headers = {"content-type": "application/json"}
            async with session.request(request.method, url, data=content or None, headers=headers) as response:
                found, status = await response.read(), response.status
            if status == 200 and drawn:
                found = await _with_digits(session, upstream, body, found)
            return web.Response(body=found, status=status, content_type="application/json")

        async with serving(handle) as url:
            yield url


async def _with_digits(session: aiohttp.ClientSession, upstream: str, body: dict[str, Any], found: bytes) -> bytes:
    prompt = body["prompt"]
    if isinstance(prompt, list) and isinstance(prompt[0], list | str):
        [prompt] = prompt
    if isinstance(prompt, list):
        async with session.post(f"{upstream}/detokenize", json={"tokens": prompt}) as response:
            prompt = (await response.json())["prompt"]
    drawn = int.from_bytes(hashlib.blake2b(prompt[-_END:].encode(), digest_size=4).digest())
    answer: dict[str, Any] = json.loads(found)
    answer["choices"][0]["text"] = _FORMS[drawn % len(_FORMS)].format(drawn // 7 % 5)
    return json.dumps(answer).encode()
