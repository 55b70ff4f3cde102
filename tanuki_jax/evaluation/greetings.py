"""Small requests before a run: which endpoints a model has, and whether it is the model of an earlier run."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.json_object import read_object
from tanuki_jax.client.answers import Failure
from tanuki_jax.client.client import Client
from tanuki_jax.config.endpoints import Requests
from tanuki_jax.evaluation.answering import Answerer, writable
from tanuki_jax.evaluation.benchmark import By

CHATS = "chat/completions"
_TOKENS = 8
_CHARACTERS = 1_000
"""Most characters of a greeting that are kept, of a server that ignores the number of tokens."""
_WORDS = "こんにちは。"

type Greetings = Mapping[str, Greeting]
"""Path of an endpoint -> the greeting of a model there."""


@dataclass(frozen=True)
class Greeting:
    """The end of a small request to an endpoint of a model."""

    text: str = ""
    refusal: str = ""
    """Reason for which there is no answer, as to chats of a model without a chat template; empty: there is one."""


def greet(answerer: Answerer, paths: Iterable[str], requests: Requests) -> Greetings:
    """Return the greetings of a model at some endpoints.

    Args:
        answerer: model.
        paths: endpoints.
        requests: limits of time.

    Raises:
        CommandError: its servers cannot be used at all.
    """
    return asyncio.run(_greetings(answerer, sorted(set(paths)), requests))


async def _greetings(answerer: Answerer, paths: Iterable[str], requests: Requests) -> Greetings:
    found: dict[str, Greeting] = {}
    async with Client(answerer.remote.endpoints(answerer.option), requests) as client:
        for path in paths:
            prompt: Any = {"messages": [{"role": "user", "content": _WORDS}]} if path == CHATS else {"prompt": _WORDS}
            body = {"model": answerer.name, "max_tokens": _TOKENS, "temperature": 0, **prompt}
            end = await client.post(path, body)
            if isinstance(end, Failure):
                found[path] = Greeting(refusal=writable(end.message))
            else:
                found[path] = Greeting(writable(end.text[:_CHARACTERS]))
    return found


def read_record(record: Path) -> dict[str, Any]:
    """Return the record of the last run in a folder; empty: there was none. InputError if the file is damaged."""
    try:
        return read_object(record) if record.exists() else {}
    except InputError as error:
        raise InputError(f"{error}; name another --out") from None


def known_greetings(
    record: Path, answerers: Mapping[By, Answerer], greetings: Mapping[By, Greetings]
) -> dict[str, dict[str, str]]:
    """Return fingerprint -> endpoint -> words, of the models of all runs in a folder, this one included.

    Models whose servers state no fingerprint are known by their words, at temperature 0, alone.

    Args:
        record: file of the folder that has the greetings of earlier runs; it need not exist.
        answerers: models of this run.
        greetings: their greetings.

    Raises:
        InputError: a model of an earlier run has other words, so that it may be another one under the same address.
    """
    before = read_record(record).get("greetings")
    rows = before.items() if isinstance(before, dict) else ()
    known: dict[str, dict[str, str]] = {name: row for name, row in rows if isinstance(row, dict)}
    for by, answerer in answerers.items():
        words = {path: greeting.text for path, greeting in greetings[by].items() if not greeting.refusal}
        own = known.get(answerer.fingerprint, {})
        if not answerer.stated and any(own.get(path, text) != text for path, text in words.items()):
            remedy = ", or say which model it is by --fingerprint TEXT" * (by == "model")
            raise InputError(
                f"the {by} at {' '.join(answerer.remote.urls)} greets in other words than in an earlier run in "
                f"{record.parent}, so it may be another model: name another --out{remedy}"
            )
        known[answerer.fingerprint] = own | words
    return known
