"""A recipe for tests, as a user would write one in a file of his own, and runs with it."""

import dataclasses
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pyarrow.parquet as pq

from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.corpus.cleaning.engines.stage import Beacon, Stage
from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.recipe import Ask, Chain, Dropped, Item, Reads, Recipe
from tanuki_jax.corpus.synthesis.synthesis_settings import Synthesis

FILE = Path(__file__)


@dataclass(frozen=True, kw_only=True)
class Echo(Recipe):
    """Write a text about a number."""

    steps: int = 1
    """Number of requests."""
    drops: float = 0.0
    """Share of the items that are dropped."""
    template: str = "Echo/echo.ja.jinja"
    """Template of the requests."""

    reads: ClassVar[Reads] = "nothing"
    templates: ClassVar = FILE.parent / "templates"

    def chain(self, item: Item, random: Random) -> Chain:
        """Return the requests."""
        first = text = f"番号{random.randrange(10**9)}"
        for _ in range(self.steps):
            reply = yield Ask(self.template, {"text": text})
            text = reply.text
        if random.random() < self.drops:
            raise Dropped("dropped by chance")
        return Made(Document(item.key, text, {"first": first}), text)


@dataclass(frozen=True, kw_only=True)
class EchoDocuments(Echo):
    """Write a text about a document."""

    reads: ClassVar[Reads] = "documents"


def echo(*urls: str, **fields: Any) -> Synthesis:
    """Return a run with the teacher at these addresses."""
    names = {field.name for field in dataclasses.fields(Synthesis)}
    recipe = Echo(**{name: value for name, value in fields.items() if name not in names})
    own = {name: value for name, value in fields.items() if name in names}
    return Synthesis(**{"name": "echo", "recipe": recipe, "teacher": RemoteModel(urls=urls), **own})


class Here:
    """An engine that does the tasks in this process."""

    def run(self, stage: Stage, tasks: Sequence[int], each_look: Callable[[], None]) -> None:
        """Do the tasks, one after the other."""
        with tempfile.TemporaryDirectory() as folder:
            for task in tasks:
                stage.run(task, Beacon(Path(folder) / "beacon"))
                each_look()


def slow() -> Synthesis:
    """Return a run of three requests an item, whose teacher the command line names."""
    return echo(steps=3, count=300, part_items=100)


def fast() -> Synthesis:
    """Return a run with a thousand requests in flight, whose teacher the command line names."""
    return echo(teacher=RemoteModel(concurrency=1_000))


def texts_of(folder: Path) -> dict[str, str]:
    """Return the records of a finished run by their ids, each of which occurs once."""
    rows = [row for path in (folder / "records").glob("*") for row in pq.read_table(path).to_pylist()]
    found = {row["id"]: row["text"] for row in rows}
    assert len(found) == len(rows)
    return found


def dropped_of(folder: Path) -> list[dict[str, Any]]:
    """Return the items of a run that gave no record."""
    return [
        json.loads(line) for path in (folder / "dropped").glob("*") for line in path.read_text("utf-8").splitlines()
    ]
