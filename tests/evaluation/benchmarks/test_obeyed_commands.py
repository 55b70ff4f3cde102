"""Commands about the form of an answer."""

from pathlib import Path

import pytest

from tanuki_jax.corpus.synthesis.checkers.checker_table import CHECKERS
from tanuki_jax.evaluation.benchmark import Item, Reply
from tanuki_jax.evaluation.benchmarks.obeyed_commands import ObeyedCommands


def control(task: ObeyedCommands, item: Item, reply: Reply) -> float:
    chain = task.chain(item)
    [ask] = next(chain)
    assert ask.body["messages"] == [{"role": "user", "content": item.question}]
    with pytest.raises(StopIteration) as end:
        chain.send([reply])
    value: float = end.value.value.values["control"]
    return value


def test_every_kind_of_command_is_asked_and_nothing_changes() -> None:
    items = ObeyedCommands(count=2).load(Path()).items
    kinds = {name for name, kind in CHECKERS.items() if "ja" in kind.ANSWERS_IN}
    assert {item.tags["command"] for item in items} == kinds and len(items) == 2 * len(kinds)
    assert items == ObeyedCommands(count=2).load(Path()).items != ObeyedCommands(count=2, seed=1).load(Path()).items


def test_only_a_whole_answer_in_the_form_obeys() -> None:
    task = ObeyedCommands(count=1)
    item = next(item for item in task.load(Path()).items if item.tags["command"] == "only_hiragana")
    assert control(task, item, Reply("たぬきはよるにうごきます。")) == 1
    assert control(task, item, Reply("狸は夜に動きます。")) == 0
    assert control(task, item, Reply("たぬきはよるに", cut=True)) == control(task, item, Reply(failure="x")) == 0
