"""The names of the models that will answer, asked for before anything is paid."""

import asyncio
import dataclasses
import difflib

from tanuki_jax.base.errors import InputError
from tanuki_jax.client import outcomes
from tanuki_jax.client.answers import Failure
from tanuki_jax.client.client import Client
from tanuki_jax.config.endpoints import Endpoint, Requests
from tanuki_jax.config.remote_model import RemoteModel

PATIENCE = 10.0
"""Seconds in which each server must show that it is there."""
_NO_LIST = (outcomes.NOT_FOUND.kind, outcomes.REFUSED.kind, outcomes.MALFORMED.kind)
"""Failures of servers that answer, and have no list of models."""


def model_name(teacher: RemoteModel, option: str, *, patience: float = PATIENCE) -> str:
    """Return the name of a teacher's model.

    Args:
        teacher: addresses, key, and perhaps the name.
        option: name of this teacher's options, as in "teacher".
        patience: seconds in which each server must answer.

    Raises:
        InputError: a server is not there or refuses the key, has no model of that name, or the servers differ.
    """
    names = [asyncio.run(_name(endpoint, option, patience)) for endpoint in teacher.endpoints(option)]
    if len(set(names)) > 1:
        raise InputError(
            f"the servers of --{option}.urls serve different models, {names[0]} and "
            f"{next(name for name in names if name != names[0])}: name one by --{option}.model"
        )
    return names[0]


async def _name(endpoint: Endpoint, option: str, patience: float) -> str:
    """Return the name of an endpoint's model."""
    limits = Requests(
        attempt_seconds=patience, deadline_seconds=patience, stalled_seconds=4 * patience, unreachable_seconds=patience
    )
    once = dataclasses.replace(endpoint, concurrency=1)
    async with Client([once], dataclasses.replace(limits, failure_share=1.0)) as client:
        answer = await client.models()
    if isinstance(answer, Failure):
        if endpoint.model and answer.kind in _NO_LIST:
            return endpoint.model
        raise InputError(f"--{option}.urls: {answer.message}")
    rows = answer.raw.get("data")
    names = [str(row.get("id")) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    if endpoint.model:
        if names and endpoint.model not in names:
            [near] = difflib.get_close_matches(endpoint.model, names, n=1, cutoff=0.0)
            raise InputError(f"{endpoint.url} has no model {endpoint.model!r}; the nearest is {near!r}")
        return endpoint.model
    if len(names) != 1:
        shown = f"{len(names)} models ({', '.join(names[:5])})" if names else "no model"
        raise InputError(f"{endpoint.url} lists {shown}: name one by --{option}.model")
    return names[0]
