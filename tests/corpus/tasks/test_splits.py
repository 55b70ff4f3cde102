import itertools

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.tasks.registry import FAMILIES, find
from tanuki_jax.corpus.tasks.splits import Split, conversation, conversations, preference, split, split_of, tasks

NAMES = tuple(FAMILIES)


@pytest.mark.parametrize("name", NAMES)
def test_training_and_probe_tasks_are_disjoint(name: str) -> None:
    """Compare keys, problems and prompts."""
    train = list(itertools.islice(tasks(name, "train"), 3000))
    probe = list(itertools.islice(tasks(name, "probe"), 150))
    assert not {task.key for task in train} & {task.key for task in probe}
    assert not {task.problem for task in train} & {task.problem for task in probe}
    assert not {task.messages[:-1] for task in train} & {task.messages[:-1] for task in probe}
    assert all(split(name, task.key) == "probe" for task in probe[:20])
    assert all(split(name, task.key) == "train" for task in train[:20])


def test_keys_that_give_one_problem_are_on_one_side() -> None:
    """Use a family that repeats problems under other keys and in other words."""
    sides: dict[object, set[str | None]] = {}
    keys: dict[object, int] = {}
    for key in range(10_000):
        task = FAMILIES["arithmetic"].generate(key)
        sides.setdefault(task.problem, set()).add(split_of(task))
        keys[task.problem] = keys.get(task.problem, 0) + 1
    assert sum(count > 1 for count in keys.values()) > 200
    assert all(len(side) == 1 for side in sides.values())


@pytest.mark.parametrize("name", NAMES)
def test_one_problem_in_twenty_is_a_probe(name: str) -> None:
    problems = {(task := FAMILIES[name].generate(key)).problem: split_of(task) for key in range(6000)}
    share = sum(side == "probe" for side in problems.values()) / len(problems)
    assert 0.04 < share < 0.06


def test_conversations_are_training_tasks_and_depend_on_their_number() -> None:
    listed = list(conversations(NAMES, 3000, seed=5))
    for index in (2999, 0, 17):
        assert conversation(NAMES, index, seed=5) == listed[index]
    for record in listed:
        family, key = record.metadata["family"], record.metadata["key"]
        assert isinstance(family, str)
        assert isinstance(key, int)
        task = find(family).generate(key)
        assert (record.id, record.messages) == (f"{family}/{key}", task.messages)
        assert split_of(task) == "train"
    assert len({record.id for record in listed}) == 3000
    counts = [sum(record.metadata["family"] == name for record in listed) for name in NAMES]
    expected = 3000 / len(NAMES)
    assert all(0.75 * expected < count < 1.25 * expected for count in counts)


def test_another_seed_gives_other_conversations() -> None:
    assert not {record.id for record in conversations(NAMES, 500, seed=0)} & {
        record.id for record in conversations(NAMES, 500, seed=1)
    }


def test_missing_and_unknown_families_are_refused() -> None:
    with pytest.raises(InputError, match="nearest is 'table'"):
        conversation(["tables"], 0, seed=0)
    with pytest.raises(InputError, match="no task families are named"):
        conversation([], 0, seed=0)


def test_preferences_depend_on_their_number_and_have_the_requested_side() -> None:
    names = ("style", "instructions")
    sides: tuple[Split, ...] = ("train", "probe")
    listed = {side: [preference(names, index, seed=3, side=side) for index in range(400)] for side in sides}
    for side, records in listed.items():
        assert preference(names, 399, seed=3, side=side) == records[399]
        for record in records:
            family, key = record.metadata["family"], record.metadata["key"]
            assert isinstance(family, str)
            assert isinstance(key, int)
            task = find(family).generate(key)
            assert (record.id, record.prompt) == (f"{family}/{key}", task.messages[:-1])
            assert split_of(task) == side
        assert 160 < sum(record.metadata["family"] == "style" for record in records) < 240
    assert {record.metadata["kind"] for record in listed["train"] if record.metadata["family"] == "style"} == {"rule"}
    assert {record.metadata["kind"] for record in listed["train"] if record.metadata["family"] == "instructions"} == {
        "fact"
    }
    assert not {record.prompt for record in listed["train"]} & {record.prompt for record in listed["probe"]}
    assert not {record.id for record in listed["train"]} & {record.id for record in conversations(names, 400, seed=3)}


def test_families_without_pairs_are_refused() -> None:
    with pytest.raises(InputError, match="'table' has no pairs of answers; use 'instructions' and 'style'"):
        preference(["style", "table"], 0, seed=0)
    with pytest.raises(InputError, match="no task families are named"):
        preference([], 0, seed=0)
    with pytest.raises(InputError, match="nearest is 'style'"):
        preference(["styles"], 0, seed=0)
