import pytest

from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.synthesis.filters.self_repetition import SelfRepetition
from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.recipe import Language
from tests.corpus.synthesis.filters.teacher_phrases_frames import PLAIN

LOOP = "そのため、環境を守ることが大切です。"


@pytest.mark.parametrize(
    ("language", "written", "expected"),
    [
        ("ja", "\n".join(PLAIN["ja"]), ""),
        ("en", "\n".join(PLAIN["en"]), ""),
        ("ja", PLAIN["ja"][0] + LOOP * 8, "one frequent phrase"),
        ("ja", "\n".join([PLAIN["ja"][0], *[LOOP] * 4]), "repeated lines"),
        ("ja", "あ" * 60, "repeated characters"),
        ("en", PLAIN["en"][0] + " This is why the sea is important." * 8, "one frequent phrase"),
        ("ja", "", ""),
    ],
)
def test_loops_are_dropped(language: Language, written: str, expected: str) -> None:
    assert SelfRepetition(language=language).reason(Made(Document("a", written), written)) == expected
