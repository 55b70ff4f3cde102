"""Questions of task families."""

from tanuki_jax.corpus.tasks.splits import split_of
from tanuki_jax.evaluation.benchmarks.family_tasks import ask_task, passes, task_items


def test_problems_are_of_the_probe_side_and_do_not_change() -> None:
    items = task_items(("arithmetic", "probability"), 20).items
    assert len({item.id for item in items}) == 40
    assert all(split_of(item.row) == "probe" for item in items)
    assert items == task_items(("arithmetic", "probability"), 20).items
    assert all(passes(item, item.expected) for item in items)


def test_a_text_has_the_form_of_pretraining() -> None:
    [item] = task_items(("arithmetic",), 1).items
    ask = ask_task(item.row, "text", 10)
    assert ask.body["prompt"] == f"user: {item.question}\nassistant:" and ask.body["stop"] == ["\nuser:"]
    assert ask_task(item.row, "chat", 10).body["messages"] == [{"role": "user", "content": item.question}]
