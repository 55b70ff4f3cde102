import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.synthesis.filters.written_length import WrittenLength
from tanuki_jax.corpus.synthesis.made import Made


@pytest.mark.parametrize(
    ("written", "expected"),
    [("あ" * 4, "too short"), ("あ " * 5, ""), ("あ" * 9, ""), ("あ\n" * 10, "too long"), ("", "too short")],
)
def test_characters_count_without_white_space(written: str, expected: str) -> None:
    assert WrittenLength(shortest=5, longest=9).reason(Made(Document("a", written), written)) == expected


def test_limits_must_leave_room() -> None:
    with pytest.raises(InputError, match=r"shortest is 9, and must be at most longest \(8\)"):
        WrittenLength(shortest=9, longest=8)
