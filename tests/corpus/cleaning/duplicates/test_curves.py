import random

import pytest

from tanuki_jax.corpus.cleaning.duplicates.curves import caught, edits_caught
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tests.corpus.cleaning.duplicates.planted import delete_span, insert_span, prose, replace_span, scatter


def test_the_curve_has_published_values() -> None:
    """Table of Mining of Massive Datasets, figure 3.8: 20 bands of 5 rows."""
    table = {0.2: 0.006, 0.3: 0.047, 0.4: 0.186, 0.5: 0.470, 0.6: 0.802, 0.7: 0.975, 0.8: 0.9996}
    assert {s: caught(s, 20, 5) for s in table} == pytest.approx(table, abs=6e-4)


def test_expected_similarities_are_those_of_edited_texts() -> None:
    rng = random.Random(0)
    edits = {
        "span replaced": replace_span,
        "span inserted": insert_span,
        "span deleted": delete_span,
        "scattered characters": scatter,
    }
    for row in edits_caught(Duplicates()):
        if row.edit not in edits:
            assert row.similarity == pytest.approx(1 / 3) and row.caught == 0
            continue
        values = []
        for _ in range(12):
            text = prose(rng, 1000)
            a, b = ({t[n : n + 5] for n in range(len(t) - 4)} for t in (text, edits[row.edit](text, row.share, rng)))
            values.append(len(a & b) / len(a | b))
        assert sum(values) / 12 == pytest.approx(row.similarity, abs=0.02)
        assert row.caught > 0.99
