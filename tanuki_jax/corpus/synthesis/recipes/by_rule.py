"""Problems written by rule, with worked solutions: no teacher answers, and code has checked every answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Literal

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import check_tuples
from tanuki_jax.corpus.records.types import Conversation, Record
from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.recipe import Chain, Dropped, Item, Recipe
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
        check_tuples(self)
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


def records(recipe: Recipe, count: int, seed: int, name: str = "by_rule") -> Iterator[Record]:
    """Yield the records that a run makes of its items 0 to count - 1, by a recipe that needs no teacher.

    Args:
        recipe: the recipe.
        count: number of items.
        seed: seed of the run; another seed gives other records.
        name: name of the run, with which ids begin.
    """
    for number in range(count):
        item = Item(f"{name}/{number}", number=number)
        try:
            next(recipe.chain(item, item.random(seed)))
        except StopIteration as end:
            yield end.value.record
        except Dropped:
            continue
