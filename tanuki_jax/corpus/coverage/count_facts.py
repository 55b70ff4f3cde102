"""Counts of facts, joined from postings by DuckDB.

A document has a word if it has one of its spellings. An answer is near the entity (or the relation) if all of it lies
between `window` characters before the first character of the entity and `window` characters after its last one.
Documents are counted, each once for a fact and an answer, and occurrences beside them; spellings of one word that
overlap are one occurrence.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from tanuki_jax.corpus.coverage.context_sketch import BINS
from tanuki_jax.corpus.coverage.facts import Fact, Word
from tanuki_jax.corpus.coverage.merge_copies import groups_of_copies

type Around = Literal["entity", "relation", "both"]
"""Word that an answer must be near; the other one may be anywhere in the document. Both: one occurrence of the answer
must be near the two."""


@dataclasses.dataclass(frozen=True)
class Place:
    """One occurrence of an answer in the corpus."""

    part: int
    """Number of the part, from 0."""
    document: int
    """Number of the document in its part, from 0; rows that are no documents have none."""
    start: int
    """First character, a code point of the text after NFKC."""
    stop: int
    """End: the character behind its last one."""


@dataclasses.dataclass(frozen=True)
class AnswerCounts:
    """Counts of one answer to a fact."""

    word: Word
    wrong: bool
    documents: int
    """Documents with entity, relation and answer."""
    near: int
    """Documents with all three, and the answer near."""
    near_occurrences: int
    """Occurrences of the answer that are near, several in one document too."""
    groups: tuple[tuple[Place, ...], ...]
    """The first near place of each document, copies of one text together; the largest group first."""

    @property
    def texts(self) -> int:
        """Return the number of different texts with the answer near."""
        return len(self.groups)


@dataclasses.dataclass(frozen=True)
class FactCounts:
    """Counts of one fact."""

    fact: Fact
    entity: int
    """Documents with the entity."""
    entity_occurrences: int
    related: int
    """Documents with entity and relation."""
    answers: tuple[AnswerCounts, ...]
    """Right ones before wrong ones."""


def count_facts(
    facts: Sequence[Fact], files: Sequence[Sequence[Path]], *, window: int, around: Around
) -> list[FactCounts]:
    """Count facts.

    Args:
        facts: what to count.
        files: postings of each part.
        window: characters on each side.
        around: word that an answer must be near.
    """
    import duckdb

    with duckdb.connect() as database:
        numbers = _load(database, facts, files)
        near = [_near(kind, window) for kind in ("entity", "relation") if around in (kind, "both")]
        database.execute(f"{_NEAR} WHERE {' AND '.join(near)}")
        return _results(database, facts, numbers)


def _near(kind: str, window: int) -> str:
    """Return the condition that an occurrence x of an answer has the entity (or the relation) near it."""
    inside = f"x.start >= n.start - {window} AND x.stop <= n.stop + {window}"
    return f"EXISTS (SELECT 1 FROM hits n WHERE n.doc = x.doc AND n.word = x.{kind} AND {inside})"


_HITS = """
CREATE TEMP TABLE hits AS
SELECT word, doc, min(start) AS start, max(stop) AS stop FROM (
    SELECT *, sum(begins) OVER (PARTITION BY word, doc ORDER BY start, stop) AS island FROM (
        SELECT word, doc, start, stop, CASE WHEN start < max(stop) OVER (
            PARTITION BY word, doc ORDER BY start, stop ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) THEN 0 ELSE 1 END AS begins FROM spelled))
GROUP BY word, doc, island
"""
"""Occurrences of words: spellings that overlap are one."""
_RELATED = """
CREATE TEMP TABLE related AS
SELECT fact, doc FROM facts JOIN hits ON word = entity
INTERSECT SELECT fact, doc FROM facts JOIN hits ON word = relation
"""
"""Documents with entity and relation of each fact."""
_NEAR = """
CREATE TEMP TABLE near AS SELECT x.fact, x.word, x.doc, x.start, x.stop
FROM (SELECT answers.fact, answers.word, entity, relation, hits.doc, start, stop FROM answers
      JOIN facts ON facts.fact = answers.fact JOIN related ON related.fact = answers.fact
      JOIN hits ON hits.word = answers.word AND hits.doc = related.doc) x
"""
"""Answers in documents with entity and relation; the condition that they are near is added."""
_FIRST = """
SELECT first.fact, first.word, first.doc, first.start, first.stop, min_by(sketch, spelled.stop) FROM (
    SELECT fact, word, doc, min(start) AS start, min_by(stop, start) AS stop FROM near GROUP BY fact, word, doc) first
JOIN spelled ON spelled.word = first.word AND spelled.doc = first.doc AND spelled.start = first.start
GROUP BY ALL ORDER BY ALL
"""
"""The first near answer of each document, and the sketch of its surroundings."""


def _load(database: Any, facts: Sequence[Fact], files: Sequence[Sequence[Path]]) -> dict[Word, int]:
    """Make the tables facts, answers, words, parts, spelled, hits and related; return the numbers of the words in them.

    facts: a row for each fact. answers: a row for each answer, right or wrong. words: a row for each spelling. spelled:
    where spellings stand, in a document whose number is 2^32 times that of its part, plus its own.
    """
    numbers: dict[Word, int] = {}
    for fact in facts:
        for word in fact.words:
            numbers.setdefault(word, len(numbers))
    _table(
        database,
        "facts",
        {"fact": range(len(facts)), "entity": [numbers[f.entity] for f in facts]}
        | {"relation": [numbers[f.relation] for f in facts]},
    )
    answers = [(number, numbers[word]) for number, fact in enumerate(facts) for word in (*fact.answers, *fact.wrong)]
    _table(database, "answers", {"fact": [fact for fact, _ in answers], "word": [word for _, word in answers]})
    spellings = [(number, spelling, word.inside) for word, number in numbers.items() for spelling in word.spellings]
    names = ("word", "spelling", "inside")
    _table(database, "words", {name: [row[place] for row in spellings] for place, name in enumerate(names)})
    paths = [(str(path), part) for part, of_part in enumerate(files) for path in of_part]
    _table(database, "parts", {"filename": [path for path, _ in paths], "part": [part for _, part in paths]})
    database.execute(
        "CREATE TEMP TABLE spelled AS SELECT word, (part::BIGINT << 32) | document AS doc, start::BIGINT AS start, "
        "stop::BIGINT AS stop, sketch FROM read_parquet($paths, filename = true) postings "
        "JOIN words ON postings.spelling = words.spelling AND postings.inside = words.inside "
        "JOIN parts ON parts.filename = postings.filename",
        {"paths": [path for path, _ in paths]},
    )
    database.execute(_HITS)
    database.execute(_RELATED)
    return numbers


def _table(database: Any, name: str, columns: Mapping[str, Sequence[Any]]) -> None:
    values = pa.table({column: pa.array(list(each)) for column, each in columns.items()})
    database.register(f"{name}_values", values)
    database.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM {name}_values")


def _results(database: Any, facts: Sequence[Fact], numbers: Mapping[Word, int]) -> list[FactCounts]:
    """Return the counts, given the table near too."""

    def counts(query: str) -> dict[tuple[int, ...], tuple[int, int]]:
        """Return (fact, or fact and word) -> the two numbers behind it."""
        return {tuple(row[:-2]): (row[-2], row[-1]) for row in database.execute(query).fetchall()}

    entities = counts("SELECT fact, count(DISTINCT doc), count(*) FROM facts JOIN hits ON word = entity GROUP BY fact")
    related = counts("SELECT fact, count(*), 0 FROM related GROUP BY fact")
    documents = counts(
        "SELECT answers.fact, answers.word, count(DISTINCT hits.doc), count(*) FROM answers "
        "JOIN related ON related.fact = answers.fact JOIN hits ON hits.word = answers.word AND hits.doc = related.doc "
        "GROUP BY answers.fact, answers.word"
    )
    near = counts("SELECT fact, word, count(DISTINCT doc), count(*) FROM near GROUP BY fact, word")
    places: defaultdict[tuple[int, int], list[tuple[Place, bytes]]] = defaultdict(list)
    for fact, word, doc, start, stop, sketch in database.execute(_FIRST).fetchall():
        places[fact, word].append((Place(doc >> 32, doc & 0xFFFFFFFF, start, stop), sketch))

    def answer(number: int, word: Word, *, wrong: bool) -> AnswerCounts:
        key = (number, numbers[word])
        (in_documents, _), (near_documents, occurrences) = documents.get(key, (0, 0)), near.get(key, (0, 0))
        return AnswerCounts(word, wrong, in_documents, near_documents, occurrences, _grouped(places[key]))

    return [
        FactCounts(
            fact,
            *entities.get((number,), (0, 0)),
            related.get((number,), (0, 0))[0],
            (
                *(answer(number, word, wrong=False) for word in fact.answers),
                *(answer(number, word, wrong=True) for word in fact.wrong),
            ),
        )
        for number, fact in enumerate(facts)
    ]


def _grouped(places: Sequence[tuple[Place, bytes]]) -> tuple[tuple[Place, ...], ...]:
    if not places:
        return ()
    sketches = np.frombuffer(b"".join(sketch for _, sketch in places), np.uint8).reshape(-1, BINS)
    return tuple(tuple(places[number][0] for number in group) for group in groups_of_copies(sketches))
