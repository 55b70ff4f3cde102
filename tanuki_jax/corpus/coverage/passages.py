"""Passages of a corpus around places that postings name."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from tanuki_jax.corpus.cleaning.parts import Part
from tanuki_jax.corpus.coverage.context_sketch import CONTEXT
from tanuki_jax.corpus.coverage.count_facts import AnswerCounts, Place
from tanuki_jax.corpus.coverage.normalized_batch import normalized
from tanuki_jax.corpus.coverage.postings import rows_of

SHOWN = 3
"""Different passages of an answer."""


def shown_places(answer: AnswerCounts) -> list[Place]:
    """Return places of up to SHOWN different texts: that with the most copies, and the first others of the corpus, so
    that few parts are read."""
    firsts = [min(group, key=_order) for group in answer.groups]
    return firsts[:1] + sorted(firsts[1:], key=_order)[: SHOWN - 1]


def read_passages(parts: Sequence[Part], places: Collection[Place]) -> dict[Place, str]:
    """Return the text around each place, CONTEXT characters on each side, after NFKC and in one line."""
    wanted: defaultdict[int, defaultdict[int, list[Place]]] = defaultdict(lambda: defaultdict(list))
    for place in places:
        wanted[place.part][place.document].append(place)
    passages: dict[Place, str] = {}
    for part, documents in sorted(wanted.items()):
        number, last = -1, max(documents)
        for record in rows_of(parts[part]):
            number += record is not None
            if record is not None and number in documents:
                codes = normalized([record.text]).codes[:-1]
                for place in documents[number]:
                    window = codes[max(place.start - CONTEXT, 0) : place.stop + CONTEXT]
                    passages[place] = " ".join(window.tobytes().decode("utf-32-le").split())
            if number >= last:
                break
    return passages


def _order(place: Place) -> tuple[int, int]:
    return place.part, place.document
