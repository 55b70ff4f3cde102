"""Task families: rules that draw problems, put them into words, solve them and judge answers."""

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from random import Random
from typing import Literal

from tanuki_jax.corpus.records.types import Message


@dataclass(frozen=True, slots=True)
class Task[Problem]:
    """A problem in one wording, with its answer."""

    family: str
    key: int
    """Number of the task in its family; any whole number."""
    problem: Problem
    """The problem without its wording."""
    messages: tuple[Message, ...]
    """User and assistant by turns: the prompt, and an answer that the family's checker accepts."""
    level: str = ""
    """Level of the school that it fits; empty: its family has no levels."""
    skeleton: str = ""
    """Id of the wording; empty: wordings of its family have no ids, and are not split."""


class Rules[Problem, Answer](ABC):
    """Rules for problems of one kind.

    Problems are frozen dataclasses of numbers, strings and tuples, with a different `repr` for each problem. The side
    of a problem in the split depends on its `repr`, so renaming a problem's class or field moves problems from training
    to probes and back.
    """

    @abstractmethod
    def draw(self, random: Random) -> Problem:
        """Draw a problem at random."""

    @abstractmethod
    def write(self, problem: Problem, random: Random) -> tuple[Message, ...]:
        """Put the problem into words chosen at random, and add its answer."""

    @abstractmethod
    def solve(self, problem: Problem) -> Answer:
        """Compute the answer from the problem alone."""

    @abstractmethod
    def check(self, problem: Problem, response: str) -> bool:
        """Whether a free-text response to the task's prompt gives the answer of `solve`."""


class Family[Problem, Answer](Rules[Problem, Answer]):
    """Named rules, with a task for every key."""

    name: str

    def generate(self, key: int) -> Task[Problem]:
        """Return the task of a key: the same in every process and on every machine."""
        random = Random(stable_hash(self.name, key))
        problem = self.draw(random)
        return Task(self.name, key, problem, self.write(problem, random))


class Formatted[Problem](ABC):
    """A family whose answers have an exact form."""

    @abstractmethod
    def check_format(self, problem: Problem, response: str) -> bool:
        """Whether the response has exactly the form that the problem asks for, with right or wrong items."""

    @abstractmethod
    def check_items(self, problem: Problem, response: str) -> bool:
        """Whether the response states the right items in the right order, in any form."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers with the same number of characters, which differ in one respect."""

    chosen: str
    rejected: str
    kind: Literal["rule", "fact"]
    """The fault of the rejected answer: it breaks a rule of form, or has one wrong fact."""


class Paired[Problem](ABC):
    """A family whose problems have a better and a worse answer."""

    @abstractmethod
    def pair(self, problem: Problem, random: Random) -> Pair:
        """Return an answer that `check` accepts, and one that is worse in one respect."""


def stable_hash(*parts: object) -> int:
    """Return 64 bits that depend only on the `repr` of the parts (BLAKE2b)."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest())


def dialogue(*contents: str) -> tuple[Message, ...]:
    """Return messages of user and assistant by turns; the user begins."""
    return tuple(Message("assistant" if number % 2 else "user", content) for number, content in enumerate(contents))
