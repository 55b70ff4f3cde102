"""A look before a run: its prompts without a teacher, and a few items with prompts and answers on a page."""

import dataclasses
import itertools
import math
from pathlib import Path

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.pages import render
from tanuki_jax.client.answer_journal import AnswerJournal, hash_of
from tanuki_jax.corpus.synthesis.filters.filter_table import reason_to_drop
from tanuki_jax.corpus.synthesis.item_parts import ItemPart, items_of
from tanuki_jax.corpus.synthesis.prompts import Prompts
from tanuki_jax.corpus.synthesis.recipe import Ask, Item, Reply
from tanuki_jax.corpus.synthesis.rehearse_item import Rehearsed, rehearse_item
from tanuki_jax.corpus.synthesis.requests_of import about_tokens, body_of
from tanuki_jax.corpus.synthesis.synthesis_settings import Synthesis
from tanuki_jax.corpus.synthesis.teach_stage import TeachStage
from tanuki_jax.corpus.synthesis.write_part import PartWriter, read_reply

_SAMPLE = 20
_SAMPLE_OF_PLANS = 200
"""Items of a plan that are looked at: those of one row may need requests, and those of another none."""
_PAGE = Path(__file__).parent / "report" / "preview.html.jinja"


@dataclasses.dataclass(frozen=True)
class Estimate:
    """Size of a run, from a sample of its items and the worked examples of its templates."""

    first: Rehearsed
    """The first item of the sample that needs requests; the first item, if none does."""
    items: int
    requests: int
    input_tokens: int
    output_tokens: int
    cost: float
    """Price of the tokens at the teacher's prices."""


def estimate(synthesis: Synthesis, parts: list[ItemPart]) -> Estimate:
    """Return the size of a run. InputError if a template fails."""
    items = sum(part.items for part in parts)
    every = itertools.chain.from_iterable(items_of(part, synthesis) for part in parts)
    if synthesis.recipe.reads == "rows":
        chosen = itertools.islice(every, 0, None, math.ceil(items / _SAMPLE_OF_PLANS))
    else:
        chosen = itertools.islice(every, _SAMPLE)
    sample = [rehearse_item(synthesis.recipe, item, synthesis.seed) for item in chosen]
    exchanges = [exchange for each in sample for exchange in each.exchanges]
    read = sum(about_tokens(str(message["content"])) for each in exchanges for message in each.messages)
    written = sum(about_tokens(reply) for each in exchanges for reply in each.replies)
    scale = items / len(sample)
    tokens = round(read * scale), round(written * scale)
    first = next((each for each in sample if each.exchanges), sample[0])
    return Estimate(first, items, round(len(exchanges) * scale), *tokens, synthesis.teacher.price(*tokens))


def preview(stage: TeachStage, count: int) -> tuple[Path, list[Rehearsed]]:
    """Let the teacher make the first items, and write a page with their prompts and answers.

    Args:
        stage: the run, whose folder is held.
        count: number of items.

    Returns:
        The page, and the items.

    Raises:
        CommandError: the teacher cannot be used.
    """
    synthesis, part = stage.synthesis, stage.parts[0]
    few = dataclasses.replace(part, items=min(count, part.items))
    small = dataclasses.replace(stage, parts=(few,), synthesis=dataclasses.replace(synthesis, gate_items=0))
    files = dataclasses.replace(small.files(0), own_key="preview")
    PartWriter(small.synthesis, few, files, stage.models).run()
    prompts = Prompts(synthesis.recipe.templates)
    with AnswerJournal(files.journal) as journal:
        shown = [_replayed(item, synthesis, prompts, journal, stage) for item in items_of(few, synthesis)]
    for path in (files.made, files.texts, files.dropped, files.counts):  # the answers stay, in the journal
        path.unlink(missing_ok=True)
    page = stage.folder / "preview.html"
    replace_text(page, render(_PAGE, name=synthesis.name, items=shown))
    return page, shown


def _replayed(
    item: Item, synthesis: Synthesis, prompts: Prompts, journal: AnswerJournal, stage: TeachStage
) -> Rehearsed:
    """Return an item's chain with the answers of the journal."""

    def reply(ask: Ask, step: int) -> Reply | None:
        judged = ask.by == "judge" and bool(stage.models.judge)
        model = stage.models.judge if judged else stage.models.teacher
        body = body_of(ask, prompts, item=item, step=step, seed=synthesis.seed, model=model)
        stored = journal.answers.get(hash_of(body))
        return None if stored is None else read_reply(stored, ask)

    found = rehearse_item(synthesis.recipe, item, synthesis.seed, reply)
    if found.made is None:
        return found
    return dataclasses.replace(found, dropped=reason_to_drop(found.made, synthesis.filters))
