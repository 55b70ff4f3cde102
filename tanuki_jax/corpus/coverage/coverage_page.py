"""The page of a coverage run: facts in rows, counts in columns, a bar against what is wanted, passages on a click."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tanuki_jax.base import pages
from tanuki_jax.base.atomic import replace_text
from tanuki_jax.corpus.coverage.count_facts import AnswerCounts, FactCounts, Place
from tanuki_jax.corpus.coverage.facts import Word
from tanuki_jax.corpus.coverage.normalized_batch import normalized
from tanuki_jax.corpus.coverage.passages import shown_places
from tanuki_jax.corpus.coverage.spelling_finder import SpellingFinder

_TEMPLATE = Path(__file__).parent / "templates" / "coverage.html.jinja"
_LARGEST = 10


def write_page(
    path: Path,
    counts: Sequence[FactCounts],
    passages: Mapping[Place, str],
    *,
    totals: Sequence[tuple[str, str]],
    definition: str,
    wanted: int,
) -> None:
    """Write the page.

    Args:
        path: file to write.
        counts: of the facts.
        passages: text around the places of `shown_places`.
        totals: names and values above the table.
        definition: sentence that says when an answer is near.
        wanted: different texts that each answer should have.
    """
    rows = [_row(each, answer, passages, wanted) for each in counts for answer in each.answers]
    groups: list[dict[str, Any]] = [
        {"size": len(answer.groups[0]), "name": _name(each, answer), "passage": passages[shown_places(answer)[0]]}
        for each in counts
        for answer in each.answers
        if answer.groups and len(answer.groups[0]) > 1
    ]
    html = pages.render(
        _TEMPLATE,
        title="Coverage",
        totals=[pages.Row(row) for row in totals],
        definition=definition,
        wanted=wanted,
        rows=rows,
        groups=sorted(groups, key=lambda group: -group["size"])[:_LARGEST],
        **{kind: sum(row["kind"] == kind for row in rows) for kind in ("short", "enough", "wrong")},
    )
    replace_text(path, html)


def _name(counts: FactCounts, answer: AnswerCounts) -> str:
    return " - ".join(word.name for word in (counts.fact.entity, counts.fact.relation, answer.word))


def _row(counts: FactCounts, answer: AnswerCounts, passages: Mapping[Place, str], wanted: int) -> dict[str, Any]:
    words = (counts.fact.entity, counts.fact.relation, answer.word)
    return {
        "kind": "wrong" if answer.wrong else "enough" if answer.texts >= wanted else "short",
        "entity": counts.fact.entity.name,
        "entity_documents": counts.entity,
        "relation": counts.fact.relation.name,
        "related": counts.related,
        "answer": answer.word.name,
        "documents": answer.documents,
        "near": answer.near,
        "texts": answer.texts,
        "width": min(100.0, 100 * answer.texts / wanted),
        "copies": len(answer.groups[0]) if answer.groups else 0,
        "passages": marked([passages[place] for place in shown_places(answer)], words),
    }


def marked(texts: Sequence[str], words: Sequence[Word]) -> list[list[tuple[bool, str]]]:
    """Return the pieces of each text, and whether each is a spelling of the words that counts, or several side by side.

    The texts are as they are after NFKC.
    """
    batch = normalized(texts)
    finder = SpellingFinder([(spelling, word.inside) for word in words for spelling in word.spellings])
    counts = np.zeros(len(batch.codes), np.bool_)
    _, _, starts, stops = finder.find(batch)
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        counts[start:stop] = True
    pieces = []
    for text, first in zip(texts, batch.starts[:-1].tolist(), strict=True):
        pairs = zip(counts[first : first + len(text)].tolist(), text, strict=True)
        groups = itertools.groupby(pairs, key=lambda pair: pair[0])
        pieces.append([(mark, "".join(character for _, character in group)) for mark, group in groups])
    return pieces
