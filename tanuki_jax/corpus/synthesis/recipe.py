"""Recipes: how an input becomes a record by a chain of requests to a teacher."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Annotated, Any, ClassVar, Literal

from tanuki_jax.config.limits import Limits, PositiveInt, check_fields
from tanuki_jax.corpus.records.types import Message, Record
from tanuki_jax.corpus.synthesis.made import Made

TEMPLATES = Path(__file__).parent / "templates"
"""Folder of the templates of the recipes that come with the package."""
type Language = Literal["ja", "en"]
type Reads = Literal["nothing", "documents", "conversations", "rows"]


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Settings with which the teacher draws an answer."""

    temperature: Annotated[float, Limits(at_least=0, at_most=2)] = 0.7
    """Temperature; 0: always the likeliest token."""
    top_p: Annotated[float, Limits(above=0, at_most=1)] = 1.0
    """Share of the probability from which tokens are drawn."""
    max_tokens: PositiveInt = 2_048
    """Most tokens of an answer; one that reaches it is dropped."""
    n: PositiveInt = 1
    """Number of answers."""

    def __post_init__(self) -> None:
        check_fields(self, prefix="sampling.")


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to the teacher: a template with its values."""

    template: str
    """File below the recipe's folder of templates, such as "rag_qa/question.ja.jinja"."""
    values: Mapping[str, object] = field(default_factory=dict)
    """Name -> value of what the template uses. Text of others goes through the template's filter `quote`."""
    sampling: Sampling = Sampling()
    schema: Mapping[str, object] | None = None
    """JSON schema of the answer; None: it is free text."""
    before: tuple[Message, ...] = ()
    """Turns between the template's system message, if it has one, and its prompt."""
    log_probabilities: bool = False
    """Whether the answer comes with the log-probabilities of its tokens; then it may be cut off, behind the first."""
    by: Literal["teacher", "judge"] = "teacher"
    """Model that answers."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The teacher's answer, which ended by itself."""

    texts: tuple[str, ...]
    """Answers, as many as were asked for; none is empty."""
    raw: Mapping[str, Any] = field(default_factory=dict)
    """JSON of the answer, with log-probabilities if they were asked for."""

    @property
    def text(self) -> str:
        """Return the first answer, without white space around it."""
        return self.texts[0].strip()


class Dropped(Exception):
    """An input of which no record can be made: its message is the reason, the same for all such inputs."""


@dataclass(frozen=True, slots=True)
class Item:
    """One input of a recipe."""

    key: str
    """Name of the item, unique in the run: the id of its record."""
    number: int = 0
    """Number of the item among those of its input, from 0."""
    record: Record | None = None
    """The record that it is made from; None: from nothing."""

    def random(self, seed: int) -> Random:
        """Return the item's source of random choices, which depends on its key and the run's seed alone."""
        return Random(seed_of(seed, self.key))


type Chain = Generator[Ask, Reply, Made]
"""Requests in the order in which they are sent; the reply to each is sent in; it returns the record."""


class Recipe(ABC):
    """A way to make records. A recipe is a frozen dataclass in a file of its own, and its fields are options."""

    reads: ClassVar[Reads]
    """Inputs: none (as many items as are wanted), records of a kind, or rows of any fields (a `Document` with the
    fields in its metadata)."""
    asks: ClassVar[bool] = True
    """Whether it needs a teacher."""
    waits: ClassVar[bool] = False
    """Whether its chain waits for something besides the replies, such as a program that it runs."""
    templates: ClassVar[Path] = TEMPLATES
    """Folder in which the templates of its requests lie."""

    def items(self, record: Record, key: str) -> Iterator[Item]:
        """Yield the items of an input record; usually there is one.

        Args:
            record: record of the input.
            key: name of the record, unique in the run.
        """
        yield Item(key, record=record)

    @abstractmethod
    def chain(self, item: Item, random: Random) -> Chain:
        """Return the requests that make the item's record, which depend on nothing but the arguments and the replies.

        Raises:
            Dropped: from the chain; no record can be made.
        """


def seed_of(*parts: object) -> int:
    """Return 63 bits that depend on the `repr` of the parts alone (BLAKE2b)."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(errors="surrogatepass"), digest_size=8).digest()) >> 1
