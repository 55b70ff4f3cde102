"""The stage in which the teacher writes: one task a part, on any engine."""

import dataclasses
import functools
import gc
import hashlib
import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tanuki_jax.base.freed_memory import return_freed_memory
from tanuki_jax.config.registry import load_file
from tanuki_jax.corpus.cleaning.engines.stage import Beacon
from tanuki_jax.corpus.records.files import expand
from tanuki_jax.corpus.synthesis.filters.evaluation_leak import EvaluationLeak
from tanuki_jax.corpus.synthesis.item_parts import ItemPart
from tanuki_jax.corpus.synthesis.named_syntheses import to_plain
from tanuki_jax.corpus.synthesis.part_files import PartFiles
from tanuki_jax.corpus.synthesis.part_totals import PartTotals
from tanuki_jax.corpus.synthesis.synthesis_settings import Synthesis
from tanuki_jax.corpus.synthesis.write_part import Models, PartWriter

_OUTSIDE_KEY = (
    *("inputs", "count", "duplicates", "requests", "max_cost", "gate_items", "gate_share"),
    *("kind", "language", "licence", "part_items", "part_bytes"),
)
"""Fields of a run on which no record of a given input depends."""


@dataclasses.dataclass(frozen=True)
class TeachStage:
    """The tasks of a run."""

    synthesis: Synthesis
    parts: tuple[ItemPart, ...]
    folder: Path
    """Folder of the run, whose folders of files exist."""
    models: Models

    @property
    def title(self) -> str:
        """Return what the tasks do."""
        return "write"

    @property
    def tasks(self) -> int:
        """Return the number of tasks."""
        return len(self.parts)

    def files(self, task: int) -> PartFiles:
        """Return the files of a task."""
        part = self.parts[task]
        content = [part.first, part.records, part.items, part.part.name if part.part else ""]
        own = hashlib.blake2b(json.dumps(content).encode(), digest_size=4).hexdigest()
        return PartFiles(self.folder, part.name, self.key, own)

    @functools.cached_property
    def key(self) -> str:
        """Return a hash of all that determines records besides the input: settings, templates, models, code, lists."""
        plain = {name: value for name, value in to_plain(self.synthesis).items() if name not in _OUTSIDE_KEY}
        for name in ("teacher", "judge"):
            plain[name] = getattr(self.models, name)
        digest = hashlib.blake2b(json.dumps(plain, sort_keys=True, default=str).encode(), digest_size=6)
        recipe = self.synthesis.recipe
        digest.update(Path(inspect.getfile(type(recipe))).read_bytes())
        package = Path(__file__).parent
        files = [*recipe.templates.rglob("*"), *package.rglob("*.py"), *package.rglob("*.txt")]
        for path in sorted({path for path in files if path.is_file()}):
            digest.update(path.read_bytes())
        for each in self.synthesis.filters:
            if isinstance(each, EvaluationLeak) and each.files:
                digest.update(repr([(file.path, file.bytes, file.modified) for file in expand(each.files)]).encode())
        return digest.hexdigest()

    def is_done(self, task: int) -> bool:
        """Whether the files of a task are complete."""
        return self.files(task).counts.exists()

    def run(self, task: int, beacon: Beacon) -> None:
        """Make the records of a task."""
        PartWriter(self.synthesis, self.parts[task], self.files(task), self.models).run()
        # Else a process grows from part to part: an event loop's tasks refer to each other.
        gc.collect()
        return_freed_memory()

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how the stage is made again in another process, where a recipe's file of the user is loaded first."""
        synthesis = {field.name: getattr(self.synthesis, field.name) for field in dataclasses.fields(self.synthesis)}
        recipe = synthesis.pop("recipe")
        kind: Any = type(recipe)
        settings = {field.name: getattr(recipe, field.name) for field in dataclasses.fields(kind)}
        if Path(kind.__module__).suffix == ".py":  # the module of a file is named by its path
            kind = (kind.__module__, kind.__name__)
        return _restored, (kind, settings, synthesis, self.parts, self.folder, self.models, self.key)


def _restored(
    kind: Any,
    settings: dict[str, Any],
    synthesis: dict[str, Any],
    parts: Any,
    folder: Path,
    models: Models,
    key: str,
) -> TeachStage:
    """Return a stage.

    Args:
        kind: class of the recipe, or its file and name.
        settings: fields of the recipe.
        synthesis: other fields of the run.
        parts: items of each task.
        folder: folder of the run.
        models: names of the models.
        key: the stage's key, which files that change meanwhile must not change.
    """
    if isinstance(kind, tuple):
        file, name = kind
        kind = getattr(load_file(Path(file)), name)
    stage = TeachStage(Synthesis(recipe=kind(**settings), **synthesis), parts, folder, models)
    stage.__dict__["key"] = key
    return stage


class TotalsSoFar:
    """Counts of all tasks of a stage, as far as they got."""

    def __init__(self, stage: TeachStage) -> None:
        """Look at nothing yet."""
        self._files: Sequence[PartFiles] = [stage.files(task) for task in range(stage.tasks)]
        self._final: dict[str, PartTotals] = {}

    def look(self) -> PartTotals:
        """Return the counts. Those of finished tasks are read once."""
        total = PartTotals()
        for files in self._files:
            if (found := self._final.get(files.name)) is None:
                is_final = files.counts.exists()
                found = files.read_totals()
                if is_final:
                    self._final[files.name] = found
            total.add(found)
        return total
