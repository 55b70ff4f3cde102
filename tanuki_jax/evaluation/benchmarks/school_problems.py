"""School problems by rule, at three levels: scores that mean something for small models."""

from dataclasses import dataclass
from pathlib import Path

from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.corpus.tasks.registry import SCHOOL
from tanuki_jax.evaluation.benchmark import Benchmark, Chain, Item, Items, Scores
from tanuki_jax.evaluation.benchmarks.family_tasks import TaskForm, ask_task, passes, task_items


@dataclass(frozen=True, kw_only=True)
class SchoolProblems(Benchmark):
    """School problems by rule, from the side that no training data are made of, checked by the rule."""

    title = "School problems by rule"
    families: tuple[str, ...] = ("arithmetic", *SCHOOL)
    """Families of problems."""
    count: PositiveInt = 50
    """Number of problems of each family."""
    form: TaskForm = "chat"
    """Form of the request: a conversation, or its plain text for models without a chat template."""
    max_tokens: PositiveInt = 512
    """Most tokens of an answer."""

    @property
    def name(self) -> str:
        return "school_problems" + ("" if self.form == "chat" else "_text")

    @property
    def metrics(self) -> tuple[str, ...]:
        return ("correct",)

    @property
    def path_asked(self) -> str:
        return "chat/completions" if self.form == "chat" else "completions"

    def load(self, data: Path) -> Items:
        return task_items(self.families, self.count)

    def chain(self, item: Item) -> Chain:
        [reply] = yield [ask_task(item.row, self.form, self.max_tokens)]
        return Scores({"correct": float(not reply.failure and passes(item, reply.text))})
