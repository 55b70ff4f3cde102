"""The plan: what a corpus says too seldom, for `synthesize` to write."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.corpus.coverage.count_facts import FactCounts, Place
from tanuki_jax.corpus.coverage.facts import Fact, Word
from tanuki_jax.corpus.coverage.passages import shown_places

RELATED = 3
"""Other facts that a line of the plan names."""


def write_plan(path: Path, counts: Sequence[FactCounts], passages: Mapping[Place, str], wanted: int) -> int:
    """Write a JSON line for each right answer of which the corpus has fewer than `wanted` different texts.

    Fields: `entity`, `relation` and `answer`, each a list of spellings after NFKC; `texts`, the number of those that
    exist, and `missing`, of those to write; `passages`, up to three that exist, to ground new texts in; `inside`, the
    spellings that count inside longer words too; `related`, up to three other facts, each [entity, relation, answer].
    Return the number of lines.
    """
    lines = [
        {
            "entity": list(each.fact.entity.spellings),
            "relation": list(each.fact.relation.spellings),
            "answer": list(answer.word.spellings),
            "texts": answer.texts,
            "missing": wanted - answer.texts,
            "passages": [passages[place] for place in shown_places(answer)],
            "inside": sorted(_inside(each.fact.entity, each.fact.relation, answer.word)),
            "related": _related(each.fact, [other.fact for other in counts]),
        }
        for each in counts
        for answer in each.answers
        if not answer.wrong and answer.texts < wanted
    ]
    replace_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return len(lines)


def _inside(*words: Word) -> set[str]:
    return {spelling for word in words if word.inside for spelling in word.spellings}


def _related(fact: Fact, others: Sequence[Fact]) -> list[list[str]]:
    """Return other facts with a right answer: of the same entity first, then of the same relation."""
    same = [[each for each in others if each != fact and each.entity == fact.entity]]
    same.append([each for each in others if each.relation == fact.relation and each.entity != fact.entity])
    chosen = [each for group in same for each in group if each.answers][:RELATED]
    return [[each.entity.name, each.relation.name, each.answers[0].name] for each in chosen]
