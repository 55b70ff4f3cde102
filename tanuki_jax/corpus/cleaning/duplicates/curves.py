"""Curves of what bands can and cannot find."""

from dataclasses import dataclass

from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates


def caught(similarity: float, bands: int, rows: int) -> float:
    """Return the probability that two texts agree in a band at least: 1 - (1 - s^rows)^bands (Leskovec, Rajaraman,
    Ullman, Mining of Massive Datasets, section 3.4)."""
    return 1 - (1 - similarity**rows) ** bands


@dataclass(frozen=True)
class EditCaught:
    """Chance of finding a copy that was edited in one way."""

    edit: str
    """Kind of edit."""
    share: float
    """Share of the characters that changed."""
    similarity: float
    """Expected Jaccard similarity of copy and original."""
    caught: float
    """Probability that the two become candidates; 0 if they are less similar than duplicates must be."""


def edits_caught(settings: Duplicates, characters: int = 1000) -> list[EditCaught]:
    """Return the expectation for spans and scattered characters of a text of some length, if no shingle occurs twice.

    A span of m characters takes m + shingle - 1 shingles from the original; a shingle outlives scattered edits if all
    of its characters do; a text that shares its half with another is listed to show that it is not a duplicate.
    """
    size, border = characters - settings.shingle + 1, settings.shingle - 1
    rows = []
    for share in (0.05, 0.10, 0.20, 0.30):
        span = round(share * characters)
        rows.append(("span replaced", share, _jaccard(size - span - border, size, size)))
        rows.append(("span inserted", share, _jaccard(size - border, size, size + span)))
        rows.append(("span deleted", share, _jaccard(size - span - border, size, size - span)))
    for share in (0.02, 0.05, 0.08):
        rows.append(("scattered characters", share, _jaccard(size * (1 - share) ** settings.shingle, size, size)))
    rows.append(("half of it a template", 0.5, _jaccard(size / 2, size, size)))
    return [
        EditCaught(
            edit,
            share,
            similarity,
            caught(similarity, settings.bands, settings.rows) if similarity >= settings.similarity else 0.0,
        )
        for edit, share, similarity in rows
    ]


def _jaccard(shared: float, one: float, other: float) -> float:
    return max(shared, 0) / (one + other - max(shared, 0))
