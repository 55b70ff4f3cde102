"""The card of a run's records, for people and machines: what they are, who wrote them, and what it cost."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.corpus.synthesis.filters.diversity import diversity
from tanuki_jax.corpus.synthesis.named_syntheses import to_plain
from tanuki_jax.corpus.synthesis.part_totals import PartTotals
from tanuki_jax.corpus.synthesis.prompts import Prompts
from tanuki_jax.corpus.synthesis.recipes.recipe_table import name_of
from tanuki_jax.corpus.synthesis.synthesis_settings import Synthesis
from tanuki_jax.corpus.synthesis.without_copies import Written
from tanuki_jax.corpus.synthesis.write_part import Models

CARD = "card.json"
"""File of the card in the folder of a run; `README.md` beside it says the same to people."""
_PAGE = Path(__file__).parent / "report" / "card.md.jinja"
_TEXTS_OF_A_STYLE = 300
"""Number of texts of a style, the first ones, whose diversity is measured."""


def write_card(
    folder: Path,
    synthesis: Synthesis,
    models: Models,
    totals: PartTotals,
    written: Written,
    texts: Sequence[Path],
) -> dict[str, Any]:
    """Write the card of a run, and return it.

    Args:
        folder: folder of the run.
        synthesis: its config.
        models: names of the models.
        totals: counts of its items.
        written: its records.
        texts: files of the texts of its parts.
    """
    recipe = synthesis.recipe
    prompts = Prompts(recipe.templates)
    share = written.kept / max(totals.kept, 1)  # without the copies
    card: dict[str, Any] = {
        "name": synthesis.name,
        "written": datetime.now(UTC).date().isoformat(),
        "recipe": name_of(recipe),
        "kind": synthesis.kind,
        "language": synthesis.language_of_records,
        "record": written.record,
        "files": [path.relative_to(folder).as_posix() for path in written.files],
        "records": written.kept,
        "characters": round(totals.characters * share),
        "teacher": models.teacher,
        "judge": models.judge,
        "teacher_terms": synthesis.teacher.terms,
        "licence_of_inputs": synthesis.licence,
        "inputs": list(synthesis.inputs),
        "tokens": _tokens(totals, share),
        "items": totals.finished,
        "dropped": dict(totals.dropped.most_common()),
        "failed": dict(totals.failed.most_common()),
        "copies": written.copies,
        "styles": _styles(texts),
        "requests": totals.requests,
        "input_tokens": totals.input_tokens,
        "output_tokens": totals.output_tokens,
        "cost": totals.cost,
        "templates": {name: {"hash": prompts.hash_of(name), "answers": n} for name, n in totals.templates.items()},
        "settings": to_plain(synthesis),
    }
    replace_text(folder / CARD, json.dumps(card, ensure_ascii=False, indent=2) + "\n")
    replace_text(folder / "README.md", _page(card))
    return card


def _tokens(totals: PartTotals, share: float) -> int | None:
    """Return the tokens of a share of the records, by the teacher's tokens a character; None: it counted none."""
    if not totals.output_tokens or not totals.output_characters:
        return None
    return round(share * totals.characters * totals.output_tokens / totals.output_characters)


def _styles(files: Sequence[Path]) -> dict[str, dict[str, float]]:
    """Return style -> number of texts, and diversity of the first ones: the share of different 4-grams in them."""
    counts, samples = Counter[str](), defaultdict[str, list[str]](list)
    for path in files:
        for row in pq.read_table(path, columns=["style", "text"]).to_pylist():
            counts[row["style"]] += 1
            if len(samples[row["style"]]) < _TEXTS_OF_A_STYLE:
                samples[row["style"]].append(row["text"])
    return {
        style: {"texts": count, "diversity": round(diversity(samples[style]), 3)}
        for style, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    }


def _page(card: Mapping[str, Any]) -> str:
    """Return the card as Markdown."""
    import jinja2

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_PAGE.read_text("utf-8")).render(card=card)
