"""Which tasks are for training and which for probing, and the conversations made of the former.

A task is a probe by what its problem is, not by its key: two keys that give the same problem in other words fall on the same side.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from tanuki_jax.errors import InputError
from tanuki_jax.records.types import Conversation
from tanuki_jax.tasks.family import Task, stable_hash
from tanuki_jax.tasks.registry import find

type Split = Literal["train", "probe"]

_ONE_PROBE_IN = 20


def split_of(task: Task[Any]) -> Split:
    """The side on which a task's problem falls: one problem in 20 is a probe."""
    return "probe" if stable_hash("split", task.family, task.problem) % _ONE_PROBE_IN == 0 else "train"


def split(family: str, key: int) -> Split:
    """The side of the task with that key. InputError if there is no such family."""
    return split_of(find(family).generate(key))


def tasks(family: str, side: Split) -> Iterator[Task[Any]]:
    """The tasks of one side for the keys 0, 1, 2, ..., without end. InputError if there is no such family."""
    generate = find(family).generate
    return (task for key in itertools.count() if split_of(task := generate(key)) == side)


def conversation(families: Sequence[str], index: int, seed: int) -> Conversation:
    """Training conversation number `index` of a corpus: a pure function of the arguments, and never a probe.

    Each family has an equal share. Metadata holds `family` and `key`. InputError if a family is unknown or none is named.
    """
    if not families:
        raise InputError("no task families are named")
    for attempt in itertools.count():
        key = stable_hash("conversation", seed, index, attempt)
        task = find(families[key % len(families)]).generate(key)
        if split_of(task) == "train":
            break
    return Conversation(f"{task.family}/{task.key}", task.messages, {"family": task.family, "key": task.key})


def conversations(families: Sequence[str], count: int, seed: int) -> Iterator[Conversation]:
    """The training conversations 0 to count - 1 of `conversation`."""
    return (conversation(families, index, seed) for index in range(count))
