"""The plan: what a corpus says too seldom, for `synthesize` to write."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.corpus.coverage.count_facts import FactCounts, Place
from tanuki_jax.corpus.coverage.passages import shown_places


def write_plan(path: Path, counts: Sequence[FactCounts], passages: Mapping[Place, str], wanted: int) -> int:
    """Write a JSON line for each right answer of which the corpus has fewer than `wanted` different texts.

    Fields: `entity`, `relation` and `answer`, each a list of spellings after NFKC; `texts`, the number of those that
    exist, and `missing`, of those to write; `passages`, up to three that exist, to ground new texts in. Return the
    number of lines.
    """
    lines = [
        {
            "entity": list(each.fact.entity.spellings),
            "relation": list(each.fact.relation.spellings),
            "answer": list(answer.word.spellings),
            "texts": answer.texts,
            "missing": wanted - answer.texts,
            "passages": [passages[place] for place in shown_places(answer)],
        }
        for each in counts
        for answer in each.answers
        if not answer.wrong and answer.texts < wanted
    ]
    replace_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return len(lines)
