"""Spellings in texts, and those that are parts of longer words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.coverage.normalized_batch import normalized
from tanuki_jax.corpus.coverage.spelling_finder import SpellingFinder


def found(spellings: list[tuple[str, bool]], texts: list[str]) -> set[tuple[str, int, int, int]]:
    """Return (spelling, document, start, stop)."""
    batch = normalized(texts)
    hits = SpellingFinder(spellings).find(batch)
    return {
        (spellings[number][0], document, int(start - batch.starts[document]), int(stop - batch.starts[document]))
        for number, document, start, stop in zip(*(part.tolist() for part in hits), strict=True)
    }


@given(
    st.lists(st.text("ab狸🦝", min_size=1, max_size=3), min_size=1, max_size=4, unique=True),
    st.lists(st.text("ab狸🦝 ", max_size=12), max_size=4),
)
def test_all_places_are_found_also_those_that_overlap(spellings: list[str], texts: list[str]) -> None:
    expected = {
        (spelling, number, match.start(), match.start() + len(spelling))
        for spelling in spellings
        for number, text in enumerate(texts)
        for match in re.finditer(f"(?={re.escape(spelling)})", text)
    }
    assert found([(spelling, True) for spelling in spellings], texts) == expected


@pytest.mark.parametrize(
    ("spelling", "text", "whole"),
    [
        ("アリ", "アリス", False),
        ("アリ", "アリの巣", True),
        ("アリ", "アリー", False),
        ("アリ", "シロアリ", False),
        ("アリ", "ｱﾘを見た", True),
        ("dog", "dogs", False),
        ("dog", "a dog.", True),
        ("dog", "dogé", False),
        ("dog", "犬dog犬", True),
        ("12", "128", False),
        ("12", "12月", True),
        ("12", "v12", True),
        ("のび太", "のび太郎", True),
        ("α線", "α線", True),
        ("κόσ", "κόσμος", False),
        ("дом", "дома", False),
    ],
)
def test_a_word_ends_where_its_script_does(spelling: str, text: str, whole: bool) -> None:
    assert bool(found([(spelling, False)], [text])) == whole
    assert found([(spelling, True)], [text])


def test_a_word_does_not_reach_into_the_next_document() -> None:
    assert not found([("ab", True)], ["a", "b"])
    assert found([("ab", False)], ["x", "ab", "c"]) == {("ab", 1, 0, 2)}
