"""Answers in an exact form: how often the form is obeyed, and how often the items in it are right too."""

from dataclasses import dataclass
from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.corpus.tasks.family import Formatted
from tanuki_jax.corpus.tasks.registry import FAMILIES, find
from tanuki_jax.evaluation.benchmark import Benchmark, Chain, Item, Items, Scores
from tanuki_jax.evaluation.benchmarks.family_tasks import TaskForm, ask_task, task_items

_FORMATTED = tuple(name for name, family in FAMILIES.items() if isinstance(family, Formatted))


@dataclass(frozen=True, kw_only=True)
class ExactFormats(Benchmark):
    """Instructions to write some items in an exact form: obeyed with the right items to the character, the right items
    in any form, and the form with any items."""

    title = "Exact formats"
    families: tuple[str, ...] = _FORMATTED
    """Families of problems whose answers have an exact form."""
    count: PositiveInt = 100
    """Number of problems of each family."""
    form: TaskForm = "chat"
    """Form of the request: a conversation, or its plain text for models without a chat template."""
    max_tokens: PositiveInt = 256
    """Most tokens of an answer."""

    @property
    def name(self) -> str:
        return "exact_formats" + ("" if self.form == "chat" else "_text")

    @property
    def metrics(self) -> tuple[str, ...]:
        return ("strict", "flexible", "control")

    @property
    def path_asked(self) -> str:
        return "chat/completions" if self.form == "chat" else "completions"

    def load(self, data: Path) -> Items:
        if other := next((name for name in self.families if not isinstance(find(name), Formatted)), None):
            raise InputError(f"the answers of the family {other!r} have no exact form; use {', '.join(_FORMATTED)}")
        return task_items(self.families, self.count)

    def chain(self, item: Item) -> Chain:
        [reply] = yield [ask_task(item.row, self.form, self.max_tokens)]
        if reply.failure:
            return Scores(dict.fromkeys(self.metrics, 0.0))
        family, problem = find(item.tags["family"]), item.row.problem
        assert isinstance(family, Formatted)
        values = (family.check, family.check_items, family.check_format)
        return Scores({name: float(each(problem, reply.text)) for name, each in zip(self.metrics, values, strict=True)})
