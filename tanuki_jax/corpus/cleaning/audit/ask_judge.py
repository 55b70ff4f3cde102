"""Labels by a model behind an OpenAI-compatible endpoint."""

import asyncio
import json
from collections.abc import Callable, Sequence

from tanuki_jax.base.errors import InputError
from tanuki_jax.client.answers import Answer, Failure
from tanuki_jax.client.client import Client
from tanuki_jax.config.endpoints import Endpoint, Requests
from tanuki_jax.corpus.cleaning.audit.sample import Drawn

_LONGEST = 3_000
"""Characters of a document that a judge is shown."""
_PATIENCE = 300.0
"""Seconds after which a document without an answer is left out."""
_PROMPT = """Which category describes this text from a corpus best? It is one of {names}.
Answer with JSON: {{"category": "..."}}

Text:
{text}"""


async def judge(
    drawn: Sequence[Drawn],
    categories: Sequence[str],
    endpoint: Endpoint,
    label: Callable[[Drawn, str], None],
    *,
    unreachable_seconds: float = 5.0,
) -> None:
    """Ask a model for the category of each document, and hand each answer to `label` as it comes.

    Args:
        drawn: documents.
        categories: categories to choose from.
        endpoint: the model.
        label: takes a document and its category.
        unreachable_seconds: seconds after which it is an error that no server is at the address.

    Raises:
        InputError: no server is at the address, or no answer named a category. Single documents without a usable answer
            are left out.
    """
    schema = {
        "type": "object",
        "properties": {"category": {"enum": list(categories)}},
        "required": ["category"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "category", "schema": schema, "strict": True}}
    last: Answer | Failure | None = None
    labelled = 0

    async def ask(client: Client, document: Drawn) -> None:
        nonlocal last, labelled
        prompt = _PROMPT.format(names=", ".join(categories), text=document.text[:_LONGEST])
        answer = await client.chat(
            [{"role": "user", "content": prompt}], temperature=0, max_tokens=50, response_format=wanted
        )
        category = category_of(answer.text, categories) if isinstance(answer, Answer) else ""
        if category:
            label(document, category)
            labelled += 1
        else:
            last = answer

    limits = Requests(attempt_seconds=120, deadline_seconds=_PATIENCE, unreachable_seconds=unreachable_seconds)
    async with Client([endpoint], limits) as client:
        await asyncio.gather(*(ask(client, document) for document in drawn))
    if drawn and not labelled:
        raise InputError(
            f"{endpoint.url} named no category for any of {len(drawn)} documents; one answer: {last!s:.200}"
        )


def category_of(text: str, categories: Sequence[str]) -> str:
    """Return the category that an answer names; empty: it names none."""
    try:
        found = json.loads(text)["category"]
    except (ValueError, KeyError, TypeError):
        return ""
    return found if found in categories else ""
