"""Problems written by rule, with worked solutions: no teacher answers, and code has checked every answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Literal

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Conversation
from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.recipe import Chain, Item, Recipe
from tanuki_jax.corpus.tasks.registry import SCHOOL, find
from tanuki_jax.corpus.tasks.splits import facts_of, split_of
from tanuki_jax.corpus.tasks.word_problems import LEVELS, Level


@dataclass(frozen=True, kw_only=True)
class ByRule(Recipe):
    """Tasks of the families in `tanuki_jax.corpus.tasks`; those held out as probes never appear."""

    reads: ClassVar[Literal["nothing"]] = "nothing"
    asks: ClassVar[bool] = False
    families: tuple[str, ...] = tuple(SCHOOL)
    """Names of the task families, which get equal shares."""
    levels: tuple[Level, ...] = ()
    """Levels of the school: elementary, middle or high; empty: all, and also families without levels."""

    def __post_init__(self) -> None:
        if not self.families:
            raise InputError("no task families are named: give families at least one")
        for level in self.levels:
            if level not in LEVELS:
                raise InputError(f"levels has {level!r}; use {', '.join(map(repr, LEVELS))}")
        for name in self.families:
            find(name)
            if self.levels and name not in SCHOOL:
                raise InputError(f"the task family {name!r} has no levels: leave it out of families, or levels empty")

    def chain(self, item: Item, random: Random) -> Chain:
        """Return a chain without requests. Metadata of the record: family, key, level and skeleton."""
        yield from ()
        record = self._record(item.key, random)
        return Made(
            record, "\n".join(message.content for message in record.messages), style=str(record.metadata["family"])
        )

    def _record(self, id: str, random: Random) -> Conversation:
        while True:
            key = random.getrandbits(63)
            name = self.families[key % len(self.families)]
            if self.levels and SCHOOL[name].level_of(key) not in self.levels:
                continue
            task = find(name).generate(key)
            if split_of(task) == "train":
                return Conversation(id, task.messages, facts_of(task))


def records(recipe: ByRule, count: int, seed: int) -> Iterator[Conversation]:
    """Yield the records that `chain` makes of the items 0 to count - 1, whose keys are their numbers in digits.

    Args:
        recipe: families and levels.
        count: number of records.
        seed: seed of the run; another seed gives other records.
    """
    for number in range(count):
        item = Item(str(number), number)
        yield recipe._record(item.key, item.random(seed))
