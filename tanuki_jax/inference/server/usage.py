"""Counts of tokens in answers."""

from typing import Any

from pydantic import BaseModel

from tanuki_jax.inference.server.metrics import Account


class Usage(BaseModel):
    """Counts of tokens: of the prompts, of the answers without their ends, and of both."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


def usage_of(account: Account) -> dict[str, Any]:
    """Return the counts of a request."""
    prompt, completion = account.prompt_tokens, account.completion_tokens
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
