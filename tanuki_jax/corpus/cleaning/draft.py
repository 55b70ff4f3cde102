"""A document while it is being cleaned, and the protocol of the rules that clean it."""

import hashlib
import random
from dataclasses import Field, dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

ENCODING_ERRORS = "surrogatepass"
"""Handler with which texts are hashed, so that a lone surrogate is a character like any other."""


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


def seed_of(text: str) -> int:
    """Return a hash of a text as a seed below 2^64."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", ENCODING_ERRORS), digest_size=8).digest())
