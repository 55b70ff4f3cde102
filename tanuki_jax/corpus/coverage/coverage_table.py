"""Tables of counts: conditions in rows, as a person asks them."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tanuki_jax.corpus.coverage.count_facts import Around, FactCounts


class Condition(NamedTuple):
    """One condition, and how many documents meet it."""

    name: str
    documents: int
    texts: int | None = None
    """Number of different texts. None: not counted for this condition."""
    times: int | None = None
    """Number of occurrences of the entity, or of the answer near it. None: not counted for this condition."""
    note: str = ""


def conditions(counts: Sequence[FactCounts], documents: int, window: int, around: Around) -> Iterator[Condition]:
    """Yield the conditions of each fact, from the widest to the narrowest.

    Args:
        counts: of facts.
        documents: in the corpus.
        window: characters within which an answer is near.
        around: word that it is near.
    """
    within = f"within {window} characters" if around == "both" else f"within {window} characters of the {around}"
    yield Condition("all documents", documents)
    before = ""
    for each in counts:
        entity, related = each.fact.entity.name, f"{each.fact.entity.name} - {each.fact.relation.name}"
        if entity != before:
            yield Condition(entity, each.entity, times=each.entity_occurrences)
            before = entity
        yield Condition(related, each.related)
        for answer in each.answers:
            name, note = f"{related} - {answer.word.name}", "a wrong answer" if answer.wrong else ""
            yield Condition(name, answer.documents, note=note)
            yield Condition(f"{name} ({within})", answer.near, answer.texts, answer.near_occurrences, note)


def as_tsv(rows: Sequence[Condition]) -> str:
    """Return conditions with the columns condition, count (of documents), texts, times and note."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, escapechar="\\")
    writer.writerow(("condition", "count", "texts", "times", "note"))
    writer.writerows(rows)
    return file.getvalue()


def as_markdown(rows: Sequence[Condition]) -> str:
    """Return conditions as a table of Markdown."""
    lines = ["| condition | documents | texts | times | note |", "|---|---:|---:|---:|---|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells(row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def cells(row: Condition) -> tuple[str, ...]:
    """Return a condition as it is shown, its numbers with thousands separated."""
    numbers = ("" if number is None else f"{number:,}" for number in (row.documents, row.texts, row.times))
    return (row.name, *numbers, row.note)
