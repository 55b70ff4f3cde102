"""What a task family is: rules that draw problems, put them into words, solve them and judge answers."""

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from random import Random

from tanuki_jax.corpus.records.types import Message


@dataclass(frozen=True, slots=True)
class Task[Problem]:
    """A problem and one way to say it."""

    family: str
    key: int
    """Which task of its family this is; any whole number."""
    problem: Problem
    """What is asked, without the wording."""
    messages: tuple[Message, ...]
    """User and assistant by turns; the last message is an answer that the family's checker accepts, the others are its prompt."""


class Rules[Problem, Answer](ABC):
    """How problems of one kind are made and judged.

    Problems are frozen dataclasses of numbers, strings and tuples, so that their `repr` tells them apart.
    """

    @abstractmethod
    def draw(self, random: Random) -> Problem:
        """A problem at random."""

    @abstractmethod
    def write(self, problem: Problem, random: Random) -> tuple[Message, ...]:
        """The problem in words chosen at random, and its answer."""

    @abstractmethod
    def solve(self, problem: Problem) -> Answer:
        """The answer, worked out from the problem alone."""

    @abstractmethod
    def check(self, problem: Problem, response: str) -> bool:
        """Whether a free-text response to the task's prompt gives the answer that `solve` finds."""


class Family[Problem, Answer](Rules[Problem, Answer]):
    """Rules under a name, with a task for every key."""

    name: str

    def generate(self, key: int) -> Task[Problem]:
        """The task of that key: the same in every process and on every machine."""
        random = Random(stable_hash(self.name, key))
        problem = self.draw(random)
        return Task(self.name, key, problem, self.write(problem, random))


def stable_hash(*parts: object) -> int:
    """64 bits that depend on the `repr` of the parts only (BLAKE2b)."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest())


def dialogue(*contents: str) -> tuple[Message, ...]:
    """Messages of user and assistant by turns; the user begins."""
    return tuple(Message("assistant" if number % 2 else "user", content) for number, content in enumerate(contents))
