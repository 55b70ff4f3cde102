"""The page of a coverage run: facts in rows, counts in columns, a bar against what is wanted, passages on a click."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tanuki_jax.base import pages
from tanuki_jax.base.atomic import replace_text
from tanuki_jax.corpus.coverage.count_facts import AnswerCounts, FactCounts, Place
from tanuki_jax.corpus.coverage.facts import Word
from tanuki_jax.corpus.coverage.passages import shown_places

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
    words, places = (counts.fact.entity, counts.fact.relation, answer.word), shown_places(answer)
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
        "passages": [[*marked(passages[place], words)] for place in places],
    }


def marked(text: str, words: Sequence[Word]) -> Iterator[tuple[bool, str]]:
    """Yield the pieces of a text, and whether each is a spelling of one of the words; the longest spelling wins."""
    spellings = sorted({spelling for word in words for spelling in word.spellings}, key=len, reverse=True)
    for number, piece in enumerate(re.split(f"({'|'.join(map(re.escape, spellings))})", text)):
        if piece:
            yield number % 2 == 1, piece
