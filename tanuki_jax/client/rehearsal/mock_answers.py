"""Answers of a mock endpoint as JSON, at once or as events of a stream."""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tanuki_jax.client.answers import ShapeError, content_text
from tanuki_jax.client.rehearsal.schema_instance import instance
from tanuki_jax.client.rehearsal.texts import WORD, cut_text, digest_of, embed, tokens, write_text

MOST_CHOICES = 128
"""Largest `n`."""
_YES_OR_NO = re.compile(r"\byes or no\W*$")


class BadRequest(ValueError):
    """A request that is answered with 400."""


@dataclasses.dataclass(frozen=True)
class Written:
    """The choices that answer a request, in tokens."""

    chat: bool
    model: str
    identifier: str
    choices: list[tuple[list[str], str]]
    """Tokens, and the reason for the end."""
    input_tokens: int

    @property
    def usage(self) -> dict[str, int]:
        """Return the token counts."""
        output_tokens = sum(len(pieces) for pieces, _ in self.choices)
        return {
            "prompt_tokens": self.input_tokens,
            "completion_tokens": output_tokens,
            "total_tokens": self.input_tokens + output_tokens,
        }

    def body(self) -> dict[str, Any]:
        """Return the JSON of the answer."""
        choices: list[dict[str, Any]] = []
        for index, (pieces, reason) in enumerate(self.choices):
            text = "".join(pieces)
            content = {"message": {"role": "assistant", "content": text}} if self.chat else {"text": text}
            choices.append({"index": index, **content, "logprobs": None, "finish_reason": reason})
        return {**self._head(""), "choices": choices, "usage": self.usage}

    def events(self, *, include_usage: bool) -> Iterator[dict[str, Any]]:
        """Yield the events of a stream, without the last one, [DONE]."""
        head = self._head(".chunk")
        if self.chat:
            for index in range(len(self.choices)):
                yield {**head, "choices": [self._part(index, {"role": "assistant", "content": ""}, "", None)]}
        for index, (pieces, reason) in enumerate(self.choices):
            for piece in pieces:
                yield {**head, "choices": [self._part(index, {"content": piece}, piece, None)]}
            yield {**head, "choices": [self._part(index, {}, "", reason)]}
        if include_usage:
            yield {**head, "choices": [], "usage": self.usage}

    def _head(self, suffix: str) -> dict[str, Any]:
        kind = f"chat.completion{suffix}" if self.chat else "text_completion"
        return {"id": self.identifier, "object": kind, "created": 0, "model": self.model}

    def _part(self, index: int, delta: dict[str, Any], text: str, reason: str | None) -> dict[str, Any]:
        return {"index": index, **({"delta": delta} if self.chat else {"text": text}), "finish_reason": reason}


def write_answer(body: Mapping[str, Any], *, chat: bool) -> Written:
    """Return the answer to a request, which depends on its messages or prompts, `seed` and `response_format` only.

    Raises:
        BadRequest: the request is none.
    """
    inputs = [body.get("messages")] if chat else _prompts(body.get("prompt"))
    stop, max_tokens = _stop(body.get("stop")), body.get("max_completion_tokens", body.get("max_tokens"))
    if max_tokens is not None and (type(max_tokens) is not int or max_tokens < 1):
        raise BadRequest(f"max_tokens is {max_tokens!r:.40}, and must be a whole number above 0")
    count = 1 if body.get("n") is None else body["n"]
    if type(count) is not int or not 1 <= count <= MOST_CHOICES:
        raise BadRequest(f"n is {count!r:.40}, and must be a whole number from 1 to {MOST_CHOICES}")
    choices, read = [], 0
    for value in inputs:
        prompt = _conversation_text(value) if chat else str(value)
        read += len(tokens(prompt))
        for index in range(count):
            digest = digest_of(value, body.get("seed"), index)
            text = _structured(body.get("response_format"), digest, prompt) or _yes_or_no(digest, prompt)
            text = text or write_text(digest, prompt)
            choices.append(cut_text(text, stop, max_tokens))
    identifier = f"rehearsal-{digest_of(inputs, body.get('seed')).hex()[:16]}"
    return Written(chat, str(body.get("model")), identifier, choices, read)


def embeddings(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to a request for embeddings. BadRequest if it is none."""
    texts = [body.get("input")] if isinstance(body.get("input"), str) else body.get("input")
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise BadRequest("input must be a text or a list of texts")
    rows = [{"object": "embedding", "index": index, "embedding": embed(text)} for index, text in enumerate(texts)]
    count = sum(len(tokens(text)) for text in texts)
    usage = {"prompt_tokens": count, "total_tokens": count}
    return {"object": "list", "model": str(body.get("model")), "data": rows, "usage": usage}


def _prompts(prompt: Any) -> list[Any]:
    """Return the prompts of a completion: texts, or lists of token ids."""
    if isinstance(prompt, str):
        return [prompt]
    if isinstance(prompt, list) and prompt:
        if all(type(item) is int for item in prompt):
            return [prompt]
        if all(isinstance(item, str) or (isinstance(item, list) and item) for item in prompt):
            return prompt
    raise BadRequest("prompt must be a text, a list of texts, token ids, or a list of lists of token ids")


def _stop(stop: Any) -> list[str]:
    words = [] if stop is None else [stop] if isinstance(stop, str) else stop
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise BadRequest("stop must be a text or a list of texts")
    return words


def _conversation_text(messages: Any) -> str:
    """Return the texts of a conversation, of which the last message comes last."""
    if not isinstance(messages, list) or not messages or not all(isinstance(message, dict) for message in messages):
        raise BadRequest("messages must be a list of objects, and not empty")
    try:
        return "\n".join(content_text(message.get("content")) for message in messages)
    except ShapeError as error:
        raise BadRequest(f"messages has {error}") from None


def _yes_or_no(digest: bytes, prompt: str) -> str:
    """Return yes or no if the prompt ends with these words; empty: it does not."""
    if _YES_OR_NO.search(prompt) is None:
        return ""
    return "Yes" if digest[0] % 2 else "No"


def _structured(form: Any, digest: bytes, prompt: str) -> str:
    """Return JSON as `response_format` asks for it; empty: it asks for none."""
    kind = form.get("type") if isinstance(form, dict) else None
    if kind not in ("json_object", "json_schema"):
        return ""
    words = WORD.findall(prompt[-10_000:]) or [write_text(digest, prompt)]
    words = words[digest[0] % len(words) :]
    if kind == "json_object":
        return json.dumps({"answer": words[0]}, ensure_ascii=False)
    schema = form.get("json_schema")
    schema = schema.get("schema", {}) if isinstance(schema, dict) else {}
    try:
        return json.dumps(instance(schema, words), ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError) as error:  # the schema, or a constant in it that is no JSON
        raise BadRequest(f"response_format has a schema that cannot be used: {error}") from None
