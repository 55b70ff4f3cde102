"""Which tasks are for training and which for probing, and the conversations and preferences made of them.

A task is a probe by what its problem is, not by its key: two keys that give the same problem in other words fall on the same side.
"""

import itertools
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Literal

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Conversation, Preference
from tanuki_jax.corpus.tasks.family import Task, stable_hash
from tanuki_jax.corpus.tasks.preference_family import Paired
from tanuki_jax.corpus.tasks.registry import FAMILIES, find

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
    task = _drawn("conversation", families, index, seed, "train")
    return Conversation(f"{task.family}/{task.key}", task.messages, {"family": task.family, "key": task.key})


def conversations(families: Sequence[str], count: int, seed: int) -> Iterator[Conversation]:
    """The training conversations 0 to count - 1 of `conversation`."""
    return (conversation(families, index, seed) for index in range(count))


def preference(families: Sequence[str], index: int, seed: int, side: Split = "train") -> Preference:
    """Preference number `index` of a corpus, or of what is held out of it (`side="probe"`): a pure function of the arguments.

    Each family has an equal share. Both answers have as many characters. Metadata holds `family`, `key` and `kind`: "rule" where the
    answers differ in a rule of form, "fact" where they differ in an item. InputError if a family is unknown or has no pairs, or none is
    named.
    """
    for name in families:
        if not isinstance(find(name), Paired):
            paired = " and ".join(repr(other) for other, family in FAMILIES.items() if isinstance(family, Paired))
            raise InputError(f"the task family {name!r} has no pairs of answers; those that have are {paired}")
    task = _drawn("preference", families, index, seed, side)
    family = find(task.family)
    assert isinstance(family, Paired)
    pair = family.pair(task.problem, Random(stable_hash("pair", task.family, task.key)))
    metadata = {"family": task.family, "key": task.key, "kind": pair.kind}
    return Preference(f"{task.family}/{task.key}", task.messages[:-1], pair.chosen, pair.rejected, metadata)


def _drawn(purpose: str, families: Sequence[str], index: int, seed: int, side: Split) -> Task[Any]:
    if not families:
        raise InputError("no task families are named")
    keys = (stable_hash(purpose, seed, index, attempt) for attempt in itertools.count())
    candidates = (find(families[key % len(families)]).generate(key) for key in keys)
    return next(task for task in candidates if split_of(task) == side)
