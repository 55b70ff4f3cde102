"""A part of a document followed by tasks that were made from it, in one training text."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.synthesis.answer_text import labelled_pair
from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.recipe import Ask, Chain, Dropped, Item, Language, Recipe, Sampling
from tanuki_jax.corpus.synthesis.sliced_recipe import SlicedRecipe

LAYOUTS: Mapping[Language, tuple[str, ...]] = {
    "ja": (
        "問{number}：{task}\n答え：{answer}",
        "【課題{number}】\n{task}\n\n【解答】\n{answer}",
        "質問: {task}\n\n回答: {answer}",
        "Q{number}. {task}\nA{number}. {answer}",
        "### 課題\n{task}\n\n### 答え\n{answer}",
    ),
    "en": (
        "Question {number}: {task}\nAnswer: {answer}",
        "Task {number}\n{task}\n\nSolution\n{answer}",
        "Q: {task}\nA: {answer}",
        "Q{number}. {task}\nA{number}. {answer}",
        "### Exercise\n{task}\n\n### Answer\n{answer}",
    ),
}
"""Language -> ways to write a task with its answer."""
_SAMPLING = Sampling(temperature=0.7, max_tokens=768)


@dataclass(frozen=True, kw_only=True)
class Augment(SlicedRecipe):
    """Write tasks with answers behind a part of a document (instruction pre-training, Cheng et al., 2024).

    A kind of task is a template for each language in the folder `augment/tasks`. A task that cannot be read is left
    out; if none can be read, the document is dropped.
    """

    name = "augment"

    tasks: PositiveInt = 3
    """Number of tasks, all of different kinds; at most as many as there are kinds."""
    sampling: Sampling = _SAMPLING
    """Settings of each request."""

    def chain(self, item: Item, random: Random) -> Chain:
        """Return the requests, one a task."""
        part = self.part(item, random)
        kinds = kinds_of(self, part.language)
        chosen = random.sample(kinds, min(self.tasks, len(kinds)))
        layout = random.choice(LAYOUTS[part.language])
        made: dict[str, str] = {}
        reason = ""
        for kind in chosen:
            ask = Ask(self.template(f"tasks/{kind}", part.language), {"text": part.text}, self.sampling)
            reply = yield ask
            try:
                task, answer = labelled_pair(reply.text)
            except Dropped as error:
                reason = str(error)
                continue
            made[kind] = layout.format(number=len(made) + 1, task=task, answer=answer)
        if not made:
            raise Dropped(reason)
        written = "\n\n".join(made.values())
        record = Document(item.key, f"{part.text}\n\n{written}", self.metadata(part, "tasks") | {"tasks": list(made)})
        return Made(record, written, (part.text,), "tasks")


def kinds_of(recipe: Recipe, language: Language) -> tuple[str, ...]:
    """Return the names of the kinds of task for which there is a template in a language."""
    return _kinds(recipe.templates / "augment" / "tasks", language)


@functools.cache
def _kinds(folder: Path, language: Language) -> tuple[str, ...]:
    return tuple(sorted(path.name.partition(".")[0] for path in folder.glob(f"*.{language}.jinja")))
