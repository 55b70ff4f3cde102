from pathlib import Path

import pytest

from tests.data.many_documents import measured


@pytest.mark.long
def test_memory_does_not_grow_after_the_first_million_documents(tmp_path: Path) -> None:
    measured(50_000, tmp_path / "tokenizer")  # trains it
    (few, _), (many, _) = (measured(count, tmp_path / "tokenizer") for count in (1_000_000, 3_000_000))
    for before, after in zip(few, many, strict=True):
        assert after.memory.anonymous < 1.2 * before.memory.anonymous, after
        assert after.memory.all_anonymous < 1.2 * before.memory.all_anonymous, after
