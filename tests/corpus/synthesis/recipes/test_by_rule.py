import itertools
import time

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Conversation
from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.recipe import Item
from tanuki_jax.corpus.synthesis.recipes.by_rule import ByRule
from tanuki_jax.corpus.tasks.registry import SCHOOL, find
from tanuki_jax.corpus.tasks.splits import is_for_probes, split, tasks
from tests.corpus.synthesis.recipes.rule_records import conversations


def made(recipe: ByRule, number: int, seed: int) -> Made:
    """Run the chain of an item, which must ask nothing."""
    item = Item(f"by_rule/{number}", number)
    with pytest.raises(StopIteration) as stop:
        next(recipe.chain(item, item.random(seed)))
    result = stop.value.value
    assert isinstance(result, Made)
    return result


def test_the_chain_asks_nothing_and_makes_the_same_records() -> None:
    recipe = ByRule()
    listed = list(conversations(recipe, 300, seed=7))
    for number in (299, 0, 17):
        result = made(recipe, number, seed=7)
        assert result.record == listed[number]
        assert result.written == "\n".join(message.content for message in listed[number].messages)
        assert result.sources == ()
    assert [record.id for record in listed] == [f"by_rule/{number}" for number in range(300)]


def test_records_are_training_tasks_with_family_key_level_and_skeleton() -> None:
    counts = dict.fromkeys(SCHOOL, 0)
    for record in conversations(ByRule(), 2000, seed=0):
        assert isinstance(record, Conversation)
        family, key = record.metadata["family"], record.metadata["key"]
        assert isinstance(family, str)
        assert isinstance(key, int)
        counts[family] += 1
        task = find(family).generate(key)
        assert record.messages == task.messages
        assert record.metadata == {"family": family, "key": key, "level": task.level, "skeleton": task.skeleton}
        assert split(family, key) == "train"
        assert not is_for_probes(task.skeleton)
    assert all(180 < count < 320 for count in counts.values())


def test_no_question_of_a_probe_appears() -> None:
    trained = {record.messages[0].content for record in conversations(ByRule(), 2000, seed=3)}
    for name in SCHOOL:
        probes = {task.messages[0].content for task in itertools.islice(tasks(name, "probe"), 60)}
        assert not trained & probes


def test_another_seed_gives_other_records() -> None:
    first, second = ({r.messages[0].content for r in conversations(ByRule(), 500, seed)} for seed in (0, 1))
    assert len(first & second) <= 1


def test_levels_and_families_can_be_chosen() -> None:
    recipe = ByRule(families=("probability", "geometry"), levels=("middle",))
    listed = list(conversations(recipe, 200, seed=0))
    assert {record.metadata["family"] for record in listed} == {"probability", "geometry"}
    assert {record.metadata["level"] for record in listed} == {"middle"}


def test_families_without_levels_are_allowed_if_all_levels_are() -> None:
    listed = list(conversations(ByRule(families=("arithmetic",)), 20, seed=0))
    assert {tuple(record.metadata) for record in listed} == {("family", "key")}


@pytest.mark.parametrize(
    ("families", "levels", "message"),
    [
        ((), (), "no task families are named"),
        (("geometri",), (), "nearest is 'geometry'"),
        (("geometry",), ("primary",), "levels has 'primary'; use 'elementary', 'middle', 'high'"),
        (("arithmetic",), ("middle",), "the task family 'arithmetic' has no levels"),
    ],
)
def test_wrong_options_are_refused(families: tuple[str, ...], levels: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ByRule(families=families, levels=levels)  # type: ignore[arg-type]


@pytest.mark.long
def test_fifteen_thousand_records_take_a_second_of_one_core() -> None:
    """Measure the time of the process, at best of three, since others use the machine."""
    count = 30_000

    def seconds() -> float:
        start = time.thread_time()
        for _ in conversations(ByRule(), count, seed=0):
            pass
        return time.thread_time() - start

    assert min(seconds() for _ in range(3)) < count / 15_000
