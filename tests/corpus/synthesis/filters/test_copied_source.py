import pytest

from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.synthesis.filters.copied_source import CopiedSource
from tanuki_jax.corpus.synthesis.made import Made
from tests.corpus.synthesis.filters.teacher_phrases_frames import PLAIN

ONE, TWO, THREE = PLAIN["ja"][:3]


def made(written: str, *sources: str) -> Made:
    return Made(Document("a", written), written, sources)


@pytest.mark.parametrize(
    ("written", "sources", "expected"),
    [
        (ONE, (ONE,), "a copy of the source"),
        (ONE[:60], (ONE,), "a copy of the source"),
        (ONE.replace("、", " 、\n"), (ONE,), "a copy of the source"),
        (ONE + TWO, (ONE, TWO), "a copy of the source"),
        (ONE + TWO, (ONE,), ""),
        (THREE, (ONE, TWO), ""),
        (ONE[:20], (ONE,), ""),
        (ONE, (), ""),
        ("", (ONE,), ""),
        (ONE, ("",), ""),
    ],
)
def test_most_of_a_text_must_be_its_own(written: str, sources: tuple[str, ...], expected: str) -> None:
    assert CopiedSource().reason(made(written, *sources)) == expected


def test_the_share_is_that_of_the_different_5_grams() -> None:
    grams = {(ONE + TWO)[start : start + 5] for start in range(len(ONE + TWO) - 4)}
    inside = {ONE[start : start + 5] for start in range(len(ONE) - 4)}
    assert CopiedSource().share(made(ONE + TWO, ONE)) == pytest.approx(len(grams & inside) / len(grams))
    assert CopiedSource(most=0.4).reason(made(ONE + TWO, ONE)) == "a copy of the source"
