"""A synthesis run, from the inputs to the records: who writes, the requests, the copies, the card."""

import contextlib
import logging
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import progress
from tanuki_jax.client.model_names import model_name
from tanuki_jax.corpus.cleaning.engines.engine import Engine
from tanuki_jax.corpus.cleaning.engines.run_stage import finish
from tanuki_jax.corpus.synthesis.budget import begin_budget
from tanuki_jax.corpus.synthesis.dataset_card import write_card
from tanuki_jax.corpus.synthesis.item_parts import ItemPart, items_of, parts_of
from tanuki_jax.corpus.synthesis.part_files import DROPPED
from tanuki_jax.corpus.synthesis.part_totals import PartTotals, most_common
from tanuki_jax.corpus.synthesis.rehearse_item import rehearse_item
from tanuki_jax.corpus.synthesis.synthesis_folder import delete_stale, forget_failures, held, record_run
from tanuki_jax.corpus.synthesis.synthesis_settings import Synthesis
from tanuki_jax.corpus.synthesis.teach_stage import TeachStage, TotalsSoFar
from tanuki_jax.corpus.synthesis.without_copies import Written, write_without_copies
from tanuki_jax.corpus.synthesis.write_part import Models

_RATE_SECONDS = 30.0
_log = logging.getLogger("tanuki_jax.corpus")


@dataclass(frozen=True)
class Synthesized:
    """A finished run."""

    folder: Path
    totals: PartTotals
    """Counts of the items, before copies were searched."""
    written: Written
    card: dict[str, Any]
    """The dataset card, as JSON values."""


def synthesize(synthesis: Synthesis, folder: Path, engine: Engine) -> Synthesized:
    """Make the records of a run; what an earlier start in the same folder has asked is not asked again.

    Args:
        synthesis: the run.
        folder: folder of the run, made if needed.
        engine: runs the tasks.

    Raises:
        InputError: inputs, templates or servers cannot be used, or tasks failed.
        CommandError: the teacher stopped answering.
    """
    with opened_stage(synthesis, folder) as stage:
        files = [stage.files(task) for task in range(stage.tasks)]
        if again := forget_failures(files):
            _log.info("requests of %d parts had failed: those are sent again", again)
        totals = _write(stage, engine)
        if not totals.kept:
            ended = most_common(totals.dropped + totals.failed)
            raise InputError(
                f"none of the {totals.finished:,} items gave a record ({ended}): see {folder / DROPPED}, and try "
                "--preview"
            )
        written = write_without_copies(folder, files, synthesis.duplicates, engine)
        delete_stale(folder, files, written.files)
        texts = [each.texts for each in files if each.texts.exists()]
        card = write_card(folder, synthesis, stage.models, totals, written, texts)
        return Synthesized(folder, totals, written, card)


@contextlib.contextmanager
def opened_stage(synthesis: Synthesis, folder: Path) -> Iterator[TeachStage]:
    """Yield the stage of a run whose folder is held and recorded, once its templates and servers can be used.

    Args:
        synthesis: the run.
        folder: folder of the run, made if needed.

    Raises:
        InputError: inputs, templates or servers cannot be used, or another process holds the folder.
    """
    parts = parts_of(synthesis)
    _check_templates(synthesis, parts)
    models = _models_of(synthesis)
    with held(folder):
        record_run(folder, synthesis)
        stage = TeachStage(synthesis, tuple(parts), folder, models)
        stage.files(0).make_folders()
        if synthesis.max_cost:
            begin_budget(folder)
        yield stage


def _check_templates(synthesis: Synthesis, parts: list[ItemPart]) -> None:
    """Render the requests of the first item, with worked examples as answers. InputError if a template fails."""
    first = next(items_of(parts[0], synthesis), None)
    if first is None:
        raise InputError("the inputs give no item: the recipe makes nothing of their first part")
    found = rehearse_item(synthesis.recipe, first, synthesis.seed)
    if found.made is None:
        _log.info("of the worked examples of the templates no record is made: %s", found.dropped)


def _models_of(synthesis: Synthesis) -> Models:
    """Return the names of the models. InputError if a server is not there, or has no such model."""
    if not synthesis.recipe.asks:
        return Models("", "")
    judge = model_name(synthesis.judge, "judge") if synthesis.judge.urls else ""
    return Models(model_name(synthesis.teacher, "teacher"), judge)


def _write(stage: TeachStage, engine: Engine) -> PartTotals:
    """Let the teacher write, and show how far it is."""
    so_far, rates = TotalsSoFar(stage), _Rates()
    count = sum(part.items for part in stage.parts)
    seen = so_far.look()
    with progress(f"{stage.title} {stage.synthesis.name}", count, "item", done=seen.finished) as advance:

        def look() -> None:
            nonlocal seen
            now = so_far.look()
            advance(max(0, now.finished - seen.finished), status=f"{_status(now, count)}{rates.add(now)}")
            seen = now

        finish(stage, engine, look)
    return so_far.look()


class _Rates:
    """Answers and tokens a second, over the last half minute."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int, int]] = deque()

    def add(self, totals: PartTotals) -> str:
        """Add a look at the counts, and return the rates in words; empty: there are none yet."""
        now = time.monotonic()
        self._looks.append((now, totals.requests - totals.reused, totals.output_tokens))
        while now - self._looks[0][0] > _RATE_SECONDS:
            self._looks.popleft()
        began, answers, tokens = self._looks[0]
        if now - began < 1.0:
            return ""
        seconds = now - began
        of_answers, of_tokens = totals.requests - totals.reused - answers, totals.output_tokens - tokens
        return f", {of_answers / seconds:,.0f} answers/s, {of_tokens / seconds:,.0f} tokens/s"


def _status(totals: PartTotals, count: int) -> str:
    words = [f"kept {totals.kept:,}"]
    if totals.dropped:
        words.append(f"dropped {totals.dropped.total():,} ({most_common(totals.dropped)})")
    if totals.failed:
        words.append(f"failed {totals.failed.total():,} ({most_common(totals.failed)})")
    words.append(f"{totals.requests:,} answers, {totals.output_tokens:,} tokens")
    if totals.cost:
        words.append(f"cost {totals.cost:.4g}")
        if totals.finished:
            words.append(f"{totals.cost / totals.finished * (count - totals.finished):.4g} left")
    return ", ".join(words)
