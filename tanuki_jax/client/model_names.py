"""The names of the models that will answer, asked for before anything is paid."""

import asyncio
import dataclasses
import difflib
from typing import Any, NamedTuple

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


class ModelCard(NamedTuple):
    """A model as its servers describe it."""

    name: str
    fingerprint: str
    """Text that differs for other weights; empty: the servers state none."""


def model_name(remote: RemoteModel, option: str, *, patience: float = PATIENCE) -> str:
    """Return the name of a model. Arguments and errors are those of `model_card`."""
    return model_card(remote, option, patience=patience).name


def model_card(remote: RemoteModel, option: str, *, patience: float = PATIENCE) -> ModelCard:
    """Return name and fingerprint of a model.

    Args:
        remote: addresses, key, and perhaps the name.
        option: name of this model's options, as in "teacher".
        patience: seconds in which each server must answer.

    Raises:
        InputError: a server is not there or refuses the key, has no model of that name, or the servers differ.
    """
    cards = [asyncio.run(_card(endpoint, option, patience)) for endpoint in remote.endpoints(option)]
    for other in cards[1:]:
        if other.name != cards[0].name:
            raise InputError(
                f"the servers of --{option}.urls serve different models, {cards[0].name} and {other.name}: name one by "
                f"--{option}.model"
            )
        if other.fingerprint != cards[0].fingerprint:
            raise InputError(f"the servers of --{option}.urls serve {other.name} with different weights")
    return cards[0]


async def _card(endpoint: Endpoint, option: str, patience: float) -> ModelCard:
    """Return the card of an endpoint's model."""
    limits = Requests(
        attempt_seconds=patience, deadline_seconds=patience, stalled_seconds=4 * patience, unreachable_seconds=patience
    )
    once = dataclasses.replace(endpoint, concurrency=1)
    async with Client([once], dataclasses.replace(limits, failure_share=1.0)) as client:
        answer = await client.models()
    if isinstance(answer, Failure):
        if endpoint.model and answer.kind in _NO_LIST:
            return ModelCard(endpoint.model, "")
        # Where no server is, the message ends with the reason why it was not tried any more.
        message = answer.message.rpartition("; ")[0] if answer.kind in outcomes.NO_SERVER else answer.message
        raise InputError(f"--{option}.urls: {message}")
    rows = answer.raw.get("data")
    cards = [_read(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    names = [card.name for card in cards]
    if endpoint.model:
        if names and endpoint.model not in names:
            [near] = difflib.get_close_matches(endpoint.model, names, n=1, cutoff=0.0)
            raise InputError(f"{endpoint.url} has no model {endpoint.model!r}; the nearest is {near!r}")
        return next((card for card in cards if card.name == endpoint.model), ModelCard(endpoint.model, ""))
    if len(names) != 1:
        shown = f"{len(names)} models ({', '.join(names[:5])})" if names else "no model"
        raise InputError(f"{endpoint.url} lists {shown}: name one by --{option}.model")
    return cards[0]


def _read(row: dict[str, Any]) -> ModelCard:
    stated = row.get("fingerprint")
    return ModelCard(str(row.get("id")), stated if isinstance(stated, str) else "")
