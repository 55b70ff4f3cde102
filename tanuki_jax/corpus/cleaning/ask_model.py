"""Questions about documents to a model behind an OpenAI-compatible endpoint."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tanuki_jax.client.answers import Answer, Failure
from tanuki_jax.client.client import Client
from tanuki_jax.config.endpoints import Endpoint, Requests

_ATTEMPT_SECONDS = 120.0


async def ask_all(
    endpoint: Endpoint,
    asks: Sequence[Mapping[str, Any]],
    answered: Callable[[int, Answer | Failure], None],
    *,
    patience: float,
    unreachable_seconds: float,
) -> None:
    """Send requests for chat completions at once, and hand each result to `answered` as it comes.

    Args:
        endpoint: address and model, and how many requests it takes at a time.
        asks: for each request the field `prompt`, and the fields of the API besides `messages`.
        answered: gets the position of a request and its result.
        patience: seconds after which a request is given up, and the run ends if none finishes.
        unreachable_seconds: seconds after which the run ends if no server has been seen at the address.

    Raises:
        CommandError: the endpoint cannot be used, or for too long.
    """

    async def ask(client: Client, position: int, prompt: str, **fields: Any) -> None:
        answered(position, await client.chat([{"role": "user", "content": prompt}], **fields))

    requests = Requests(
        attempt_seconds=min(_ATTEMPT_SECONDS, patience),
        deadline_seconds=patience,
        stalled_seconds=patience,
        unreachable_seconds=unreachable_seconds,
        failure_share=1.0,  # failures are counted by the caller
    )
    async with Client([endpoint], requests) as client:
        await asyncio.gather(*(ask(client, position, **fields) for position, fields in enumerate(asks)))
