"""Labels by a model behind an OpenAI-compatible endpoint."""

import json
from collections.abc import Callable, Sequence

from tanuki_jax.base.errors import InputError
from tanuki_jax.client.answers import Answer, Failure
from tanuki_jax.config.endpoints import Endpoint
from tanuki_jax.corpus.cleaning.ask_model import ask_all
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
    names = ", ".join(categories)
    asks = [
        {
            "prompt": _PROMPT.format(names=names, text=document.text[:_LONGEST]),
            "temperature": 0,
            "max_tokens": 50,
            "response_format": wanted,
        }
        for document in drawn
    ]
    last: Answer | Failure | None = None
    labelled = 0

    def answered(position: int, answer: Answer | Failure) -> None:
        nonlocal last, labelled
        category = category_of(answer.text, categories) if isinstance(answer, Answer) else ""
        if category:
            label(drawn[position], category)
            labelled += 1
        else:
            last = answer

    await ask_all(endpoint, asks, answered, patience=_PATIENCE, unreachable_seconds=unreachable_seconds)
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
