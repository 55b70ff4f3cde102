"""The split of tasks into training and probes, and the conversations and preferences that are made of them.

A task's side depends on its problem, not on its key: keys that give one problem in other words are on one side. In
families whose wordings have ids, some wordings are for probes alone.
"""

import functools
import itertools
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Literal

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Conversation, Preference
from tanuki_jax.corpus.tasks.family import Paired, Task, stable_hash
from tanuki_jax.corpus.tasks.registry import FAMILIES, find

type Split = Literal["train", "probe"]

_ONE_PROBE_IN = 20


def split_of(task: Task[Any]) -> Split | None:
    """Return the side of a task: one problem in 20 is a probe; None: other problems in a wording for probes alone."""
    # Training and probes share no problem, because the side is a function of the problem alone. A split by key would
    # not do: there are many more keys than problems, so keys of different sides would give one problem in other words,
    # and a model could have learned a probe's answer by heart. No list of probes is kept either: any process computes
    # the side of any task.
    if stable_hash("split", task.family, task.problem) % _ONE_PROBE_IN == 0:
        return "probe"
    # A model could also have learned the wording. So one in 20 never trains: probes in it show whether the model
    # understands words that it has not met, and probes in the others whether it solves numbers that it has not met.
    return None if task.skeleton and is_for_probes(task.skeleton) else "train"


@functools.cache
def is_for_probes(skeleton: str) -> bool:
    """Whether a wording is for probes alone: one in 20 is."""
    return stable_hash("wording", skeleton) % _ONE_PROBE_IN == 0


def split(family: str, key: int) -> Split | None:
    """Return the side of the task with a key (`split_of`). InputError if there is no such family."""
    return split_of(find(family).generate(key))


def tasks(family: str, side: Split) -> Iterator[Task[Any]]:
    """Yield the tasks of one side for the keys 0, 1, 2, ..., without end. InputError if there is no such family."""
    generate = find(family).generate
    return (task for key in itertools.count() if split_of(task := generate(key)) == side)


def conversation(families: Sequence[str], index: int, seed: int) -> Conversation:
    """Return training conversation number `index` of a corpus: a pure function of the arguments, and never a probe.

    Each family has an equal share. Metadata are `facts_of` the task. InputError if a family is unknown or
    none is named.
    """
    task = _draw("conversation", families, index, seed, "train")
    return Conversation(f"{task.family}/{task.key}", task.messages, facts_of(task))


def facts_of(task: Task[Any]) -> dict[str, object]:
    """Return the metadata of a task's record: `family` and `key`, and `level` and `skeleton` if its family has them."""
    facts: dict[str, object] = {"family": task.family, "key": task.key}
    return facts | {"level": task.level, "skeleton": task.skeleton} if task.skeleton else facts


def conversations(families: Sequence[str], count: int, seed: int) -> Iterator[Conversation]:
    """Yield the training conversations 0 to count - 1 (`conversation`)."""
    return (conversation(families, index, seed) for index in range(count))


def preference(families: Sequence[str], index: int, seed: int, side: Split = "train") -> Preference:
    """Return preference number `index` of a corpus: a pure function of the arguments. `side="probe"`: held-out ones.

    Each family has an equal share. Both answers have the same number of characters. Metadata holds `family`, `key` and
    `kind`: "rule" if the answers differ in a rule of form, "fact" if they differ in an item. InputError if a family is
    unknown or has no pairs, or none is named.
    """
    for name in families:
        if not isinstance(find(name), Paired):
            paired = " and ".join(repr(other) for other, family in FAMILIES.items() if isinstance(family, Paired))
            raise InputError(f"the task family {name!r} has no pairs of answers; use {paired}")
    task = _draw("preference", families, index, seed, side)
    family = find(task.family)
    assert isinstance(family, Paired)
    pair = family.pair(task.problem, Random(stable_hash("pair", task.family, task.key)))
    metadata = {"family": task.family, "key": task.key, "kind": pair.kind}
    return Preference(f"{task.family}/{task.key}", task.messages[:-1], pair.chosen, pair.rejected, metadata)


def _draw(purpose: str, families: Sequence[str], index: int, seed: int, side: Split) -> Task[Any]:
    """Return the first task of a side in the pseudo-random sequence of tasks that belongs to (purpose, seed, index)."""
    if not families:
        raise InputError("no task families are named: give at least one")
    # Each index has a sequence of keys of its own, so that record i is made without those before it. A task of the
    # other side gives way to that of the next key. The key also chooses the family.
    keys = (stable_hash(purpose, seed, index, attempt) for attempt in itertools.count())
    candidates = (find(families[key % len(families)]).generate(key) for key in keys)
    return next(task for task in candidates if split_of(task) == side)
