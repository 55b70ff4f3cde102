"""Questions of the families of `corpus/tasks`, from the side that no training data are made of."""

import itertools
from collections.abc import Sequence
from typing import Any, Literal

from tanuki_jax.corpus.chat.pretraining import as_text
from tanuki_jax.corpus.records.types import Conversation
from tanuki_jax.corpus.tasks.family import Task
from tanuki_jax.corpus.tasks.registry import find
from tanuki_jax.corpus.tasks.splits import tasks
from tanuki_jax.evaluation.benchmark import Ask, Item, Items, chat, complete

type TaskForm = Literal["chat", "text"]

_NEXT_TURN = ("\nuser:",)


def task_items(families: Sequence[str], count: int) -> Items:
    """Return the first problems of the probe side of each family. InputError if there is no such family.

    Args:
        families: names of families.
        count: number of problems of each.
    """
    found = ((name, task) for name in families for task in itertools.islice(tasks(name, "probe"), count))
    return Items(tuple(_item(name, task) for name, task in found))


def _item(name: str, task: Task[Any]) -> Item:
    *asked, answer = task.messages
    tags = {"family": name} | ({"level": task.level} if task.level else {})
    kind = getattr(task.problem, "kind", None) or getattr(task.problem, "form", None)
    return Item(
        f"{name}/{task.key}",
        "\n".join(message.content for message in asked),
        answer.content,
        tags=tags | ({"kind": kind} if isinstance(kind, str) else {}),
        row=task,
    )


def ask_task(task: Task[Any], form: TaskForm, max_tokens: int) -> Ask:
    """Return the request for the answer to a problem.

    Args:
        task: problem.
        form: "chat" is a conversation; "text" the plain form of conversations in pretraining, for models without a chat
            template.
        max_tokens: most tokens of the answer.
    """
    asked = task.messages[:-1]
    if form == "chat":
        return chat([{"role": each.role, "content": each.content} for each in asked], max_tokens=max_tokens)
    return complete(f"{as_text(Conversation('', asked))}\nassistant:", max_tokens=max_tokens, stop=_NEXT_TURN)


def passes(item: Item, answer: str) -> bool:
    """Whether an answer is right by the family's own rule."""
    return find(item.tags["family"]).check(item.row.problem, answer)
