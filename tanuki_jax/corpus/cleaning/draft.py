"""A document while it is being cleaned, and the protocol of the rules that clean it."""

import hashlib
import itertools
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from tanuki_jax.base.errors import CommandError

ENCODING_ERRORS = "surrogatepass"
"""Handler with which texts are hashed, so that a lone surrogate is a character like any other."""
_NO_LIMIT = 1e-9  # of a limit of 0 the distance is no share
OUTSIDE_KEY: Mapping[str, bool] = MappingProxyType({"outside_key": True})
"""Metadata of a rule's field on which documents do not depend: another value of it makes no part anew."""


class Measure(NamedTuple):
    """A number of a document beside the limit that a rule sets for it."""

    name: str
    value: float
    limit: float
    distance: float
    """Distance of the value from the limit, as a share of the limit."""


@dataclass(slots=True)
class Draft:
    """A document while it is being cleaned. Rules change it in place."""

    id: str
    text: str
    """Text so far: lines that end in a newline; a blank line separates paragraphs."""
    metadata: dict[str, object] = field(default_factory=dict)
    """Facts about it as JSON values: url, language, title, and what its source gave."""
    scores: dict[str, float] = field(default_factory=dict)
    """Scores that rules gave it, by the rule's name. They are written with the document."""
    seed: int = 0
    """Seed that depends on nothing but the text as it was read: reruns and other shard counts draw alike."""

    nearest: Measure | None = None
    """Measure by which the last rule dropped it, or the one that came nearest to its limit; None: it has none."""

    def within(self, name: str, value: float, *, least: float = -math.inf, most: float = math.inf) -> bool:
        """Whether a number of this document is within limits, which is noted for the report's borderline samples.

        Args:
            name: name of the number, in words that are the same for all documents.
            value: the number.
            least: least value that is within the limits.
            most: greatest value that is within the limits.
        """
        inside = least <= value <= most
        # Outside, the limit that is broken is the nearer one, too.
        limit = least if value - least < most - value else most
        if math.isfinite(limit):
            distance = abs(value - limit) / (abs(limit) or _NO_LIMIT)
            if not inside or self.nearest is None or distance < self.nearest.distance:
                self.nearest = Measure(name, value, limit, distance)
        return inside

    def random(self, rule: str, line: str = "") -> random.Random:
        """Return the random numbers of one rule, of which another rule's are independent: those for a line, which are
        the same in every document, or those for this document."""
        return random.Random(f"{seed_of(line) if line else self.seed}:{rule}")


@runtime_checkable
class Rule(Protocol):
    """A step that changes, scores or drops documents: a frozen dataclass whose fields are its settings.

    One rule is one file in `rules/` and one row of `rules/rule_table.py`. It depends on nothing but its settings and
    the document, so that output does not depend on order, shards or engine.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def apply(self, draft: Draft) -> str:
        """Change `draft` in place. Return the reason to drop it, in a few words that are the same for all documents
        dropped for that reason; empty: keep it."""
        ...


@runtime_checkable
class BatchRule(Rule, Protocol):
    """A rule that waits for something outside, and therefore takes documents in batches. It changes no text."""

    @property
    def batch(self) -> int:
        """Return the most documents of a batch."""
        ...

    def apply_batch(self, drafts: Sequence[Draft]) -> list[str | Exception]:
        """Return for each draft what `apply` returns, or the error that it raises.

        Raises:
            CommandError: a fault that is none of a single document.
        """
        ...


def apply_to_each(rule: Rule, drafts: Sequence[Draft]) -> list[str | Exception]:
    """Return for each draft what a rule's `apply` returns, or the error that it raises; a CommandError is raised."""
    if isinstance(rule, BatchRule):
        return [verdict for some in itertools.batched(drafts, rule.batch) for verdict in rule.apply_batch(some)]
    verdicts: list[str | Exception] = []
    for draft in drafts:
        try:
            verdicts.append(rule.apply(draft))
        except CommandError:
            raise
        except Exception as error:
            verdicts.append(error)
    return verdicts


def seed_of(text: str) -> int:
    """Return a hash of a text as a seed below 2^64."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", ENCODING_ERRORS), digest_size=8).digest())
