"""Config of an arena: the models that meet, how they are paired, and the limits of what a visitor may send."""

import dataclasses
import re
from collections.abc import Sequence

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.endpoints import Requests
from tanuki_jax.config.limits import (
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Share,
    check_fields,
    check_tuples,
)
from tanuki_jax.config.remote_model import RemoteModel

_NEVER = 1e9
"""Seconds after which a server that is away would end the arena: it may come back."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contestant:
    """A model that visitors vote on."""

    name: str
    """Name that is shown after the vote and on the board."""
    remote: RemoteModel
    """Servers of the model."""
    organisation: str = ""
    """Maker of the model."""
    licence: str = ""
    """Licence of the model, in words."""
    description: str = ""
    """Sentence about it for the page of models."""
    aliases: tuple[str, ...] = ()
    """Further words by which an answer would give it away, such as the name of its family."""
    weight: PositiveFloat = 1.0
    """Share of the battles that it gets, beside those of the others."""
    temperature: NonNegativeFloat = 0.7
    """Temperature of its answers."""
    max_tokens: PositiveInt = 1_024
    """Most tokens of an answer."""
    system: str = ""
    """System message before each conversation; empty: none."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pairing:
    """Rule by which the models of a battle are drawn."""

    catch_up: PositiveFloat = 25.0
    """Most times as often as its weight says that a model with few battles is drawn first."""
    close: Share = 0.0
    """Share of the battles in which the second model is drawn by what the vote would tell: pairs of about the same
    rating, of which at least one is not well known yet. 0: every other model is as likely as its weight."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pace:
    """Speed at which the answers appear, so that the speed of a model does not name it."""

    characters_a_second: NonNegativeFloat = 60.0
    """Characters a second in both panes; 0: as fast as the models write."""
    first_after: NonNegativeFloat = 1.0
    """Least seconds from the question to the first character."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class VisitorLimits:
    """Limits of what a visitor may send."""

    characters: PositiveInt = 8_000
    """Most characters of a message."""
    turns: PositiveInt = 10
    """Most messages of a battle."""
    battles_an_hour: PositiveInt = 60
    """Most battles that begin in an hour from one address."""
    messages_a_minute: PositiveInt = 20
    """Most messages in a minute from one address."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arena:
    """Everything that determines an arena."""

    name: str
    """Name of the arena; its database is arenas/NAME.sqlite unless `database` says otherwise."""
    models: tuple[Contestant, ...]
    """Models that meet, at least two."""
    anchor: str = ""
    """Model with a rating of 1000 on the board; empty: the first one."""
    round: str = ""
    """Label of the votes from now on, such as "makers" or "public"."""
    pairing: Pairing = dataclasses.field(default_factory=Pairing)
    pace: Pace = dataclasses.field(default_factory=Pace)
    limits: VisitorLimits = dataclasses.field(default_factory=VisitorLimits)
    requests: Requests = dataclasses.field(
        default_factory=lambda: Requests(
            attempt_seconds=180.0,
            deadline_seconds=180.0,
            tries=1,
            failure_share=1.0,
            stalled_seconds=_NEVER,
            unreachable_seconds=_NEVER,
        )
    )
    """Limits of time of the requests to the models."""
    board_battles: NonNegativeInt = 10
    """Battles from which on a model is on the board."""
    database: str = ""
    """Address of the database as SQLAlchemy writes it, such as postgresql+psycopg://USER@HOST/NAME; empty: SQLite."""

    def __post_init__(self) -> None:
        check_tuples(self)
        check_fields(self)
        if not re.fullmatch(r"\w[\w.-]*", self.name):
            raise InputError(f"name is {self.name!r:.80}, and must consist of letters, digits, _, - and .")
        names = [each.name for each in self.models]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise InputError(f"models has {twice!r:.80} twice; each model needs a name of its own")
        if odd := next((name for name in names if not name.strip() or name != name.strip()), None):
            raise InputError(f"models has the name {odd!r:.80}; a name has no blanks around it and is not empty")
        if self.anchor and self.anchor not in names:
            raise InputError(f"anchor is {self.anchor!r:.80}, and must be one of the models: {', '.join(names)}")
        check_pairs(self.models)


def check_pairs(models: Sequence[Contestant]) -> None:
    """Raise InputError if a model can meet no other one."""
    if len(models) < 2:
        raise InputError(f"an arena needs two models that can meet, and models names {len(models)}; add another")
    for model in models:
        if all(same_model(model, other) for other in models):
            raise InputError(
                f"every model is served where {model.name!r:.80} is; two names of one model never meet, so add another"
            )


def same_model(one: Contestant, other: Contestant) -> bool:
    """Whether two names stand for one model: it has the same name at the same address."""
    return any(
        (url, other.remote.model) in [(mine, one.remote.model) for mine in one.remote.urls] for url in other.remote.urls
    )
