"""The protocol of a benchmark: items, and for each item a chain of requests that ends with scores."""

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

type By = Literal["model", "judge", "baseline"]
"""Model that answers a request: the one that is evaluated, the one that judges, or the one to compare with."""
type Message = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to a model, in OpenAI's protocol."""

    body: Mapping[str, Any]
    """JSON of the request, without the name of the model and without a seed."""
    path: Literal["chat/completions", "completions"] = "chat/completions"
    by: By = "model"
    """Model that answers."""
    sample: int = 0
    """Number of the sample, from 0: several samples of one request have seeds of their own."""
    label: str = ""
    """Name of the request among those of its item, for reports, as in "turn 2"; empty: they are numbered."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The end of a request."""

    text: str = ""
    """Answer, without what the model thought before it; empty: the request failed."""
    cut: bool = False
    """Whether the answer reached its greatest length."""
    failure: str = ""
    """Reason for which there is no answer; empty: there is one."""
    logprobs: Any = None
    """Log-probabilities as the server gives them; None: none were asked for."""
    raw: str = ""
    """Answer with the thinking before it."""
    input_tokens: int = 0
    """Number of tokens of the prompt as the server counts them; 0: it does not say."""


@dataclass(frozen=True, slots=True)
class Item:
    """A question of a benchmark."""

    id: str
    """Name of the item, unique in its benchmark."""
    question: str
    """Question as a person reads it in a report."""
    expected: str = ""
    """Right answer as a person reads it; empty: there is not one right answer."""
    cluster: str = ""
    """Name of the text that several items share; empty: it shares none."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Groups of the item by kind, as in level -> middle."""
    row: Any = None
    """Data of the item for its benchmark."""


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one item."""

    values: Mapping[str, float]
    """Metric -> score. A failed request is wrong, and has a score."""
    unreadable: tuple[str, ...] = ()
    """Metrics without a score, because the verdict of a judge could not be read. They are in no mean."""
    note: str = ""
    """Remark for the report."""


type Chain = Generator[Sequence[Ask], Sequence[Reply], Scores]
"""Requests that are sent together, by turns with their replies; it returns the item's scores."""


@dataclass(frozen=True, slots=True)
class Items:
    """The items of a benchmark, and the files that they were read from."""

    items: tuple[Item, ...]
    files: tuple[Path, ...] = ()


def first_items(items: Sequence[Item], first: int) -> tuple[Item, ...]:
    """Return some of the items, in their order: of each group alike the first ones, as far as there are.

    The groups are the values of the first tag in which the items differ, such as families or subjects; items that
    differ in none are one group.

    Args:
        items: items of a benchmark.
        first: number of items; 0: all.
    """
    if not first:
        return tuple(items)
    kinds = dict.fromkeys(kind for item in items for kind in item.tags)
    grouping = next((kind for kind in kinds if len({item.tags.get(kind) for item in items}) > 1), "")
    counts, turns = Counter[str](), list[tuple[int, int]]()
    for number, item in enumerate(items):
        group = item.tags.get(grouping, "")
        turns.append((counts[group], number))
        counts[group] += 1
    return tuple(items[number] for number in sorted(number for _, number in sorted(turns)[:first]))


class Benchmark(ABC):
    """A benchmark. It is a frozen dataclass in a file of its own, and its fields are options."""

    title: ClassVar[str]
    """Title for reports."""
    scale: ClassVar[tuple[float, float]] = (0.0, 1.0)
    """Worst and best value of its first metric."""
    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {}
    """Metric -> lowest and highest possible value, of those that are not from 0 to 1."""
    lower_is_better: ClassVar[frozenset[str]] = frozenset()
    """Metrics whose lower values are the better ones, as of an error."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Return the name of the benchmark with its settings, unique in an evaluation, of letters, digits and _."""

    @property
    def full_title(self) -> str:
        """Return the title with the settings that tell it from others of its kind."""
        return self.title

    @property
    @abstractmethod
    def metrics(self) -> tuple[str, ...]:
        """Return the metrics of its items, the most important one first."""

    @property
    def asks(self) -> tuple[By, ...]:
        """Return the models that it needs."""
        return ("model",)

    @property
    def path_asked(self) -> str:
        """Return the endpoint that the evaluated model must have: chat/completions or completions."""
        return "chat/completions"

    @abstractmethod
    def load(self, data: Path) -> Items:
        """Return the items.

        Args:
            data: folder in which relative paths begin.

        Raises:
            InputError: a file is missing, or is not what it should be.
        """

    @abstractmethod
    def chain(self, item: Item) -> Chain:
        """Return the requests of an item, which depend on nothing but the item and the replies."""

    def overall(self, scored: Sequence[tuple[Item, Scores]]) -> Mapping[str, float]:
        """Return further figures of all items together, such as a correlation, by name.

        Args:
            scored: items with their scores.
        """
        return {}


def chat(
    messages: Sequence[Message],
    *,
    max_tokens: int,
    temperature: float = 0.0,
    stop: Sequence[str] = (),
    by: By = "model",
    sample: int = 0,
    label: str = "",
) -> Ask:
    """Return a request for the answer to a conversation.

    Stop strings that a message contains are left out: a model that repeats the question would else end before its
    answer, and score zero.

    Args:
        messages: turns, oldest first.
        max_tokens: most tokens of the answer.
        temperature: temperature; 0: always the likeliest token.
        stop: strings before which the answer ends.
        by: model that answers.
        sample: number of the sample.
        label: name of the request among those of its item, for reports.
    """
    body: dict[str, Any] = {"messages": [dict(each) for each in messages], "temperature": temperature}
    body["max_tokens"] = max_tokens
    if temperature:
        body["top_p"] = 1.0  # some servers take another one from the model's own files
    if kept := [each for each in stop if not any(each in message["content"] for message in messages)]:
        body["stop"] = kept
    return Ask(body, by=by, sample=sample, label=label)


def complete(prompt: str, *, max_tokens: int, stop: Sequence[str] = ()) -> Ask:
    """Return a request for the likeliest continuation of a text.

    Args:
        prompt: text.
        max_tokens: most tokens of the continuation.
        stop: strings before which it ends.
    """
    body: dict[str, Any] = {"prompt": prompt, "temperature": 0.0, "max_tokens": max_tokens}
    return Ask(body | ({"stop": [*stop]} if stop else {}), path="completions")


def seed_of(*parts: object) -> int:
    """Return 31 bits that depend on the `repr` of the parts alone (BLAKE2b)."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(errors="surrogatepass"), digest_size=8).digest()) >> 33
