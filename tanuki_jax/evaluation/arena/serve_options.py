"""Options of `arena` and of `arena export`."""

import dataclasses
from typing import Annotated

import tyro

from tanuki_jax.config.limits import Limits, NonNegativeInt


@dataclasses.dataclass(frozen=True, kw_only=True)
class Serve:
    """Open an arena in which visitors vote blind on the answers of two models.

    `arena rate` rates files of votes, and `arena export` writes the votes of an arena; each answers --help.
    """

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0: all of this machine's."""
    port: Annotated[int, Limits(at_least=0, at_most=65535)] = 8001
    """Port to listen on; 0: any free one, which is printed."""
    proxies: NonNegativeInt = 0
    """Number of proxies in front of the server that add the visitor's address to X-Forwarded-For; further addresses in
    it are not believed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Export:
    """Write the votes of an arena, for `arena rate` and others: model_a, model_b, winner and labels."""

    database: tyro.conf.Positional[str]
    """Database of the arena: a file of SQLite, or an address as SQLAlchemy writes it."""
    output: str
    """File to write: .csv, or .jsonl, which has the conversations as well."""
    all: bool = False
    """Whether battles in which a model was named are written too; they are no longer blind."""
