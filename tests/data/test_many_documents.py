from pathlib import Path

import pytest

from tests.data.many_documents import measured


@pytest.mark.long
def test_memory_does_not_grow_after_the_first_million_documents(tmp_path: Path) -> None:
    measured(50_000, tmp_path / "tokenizer")  # trains it
    (few, _), (many, _) = (measured(count, tmp_path / "tokenizer") for count in (1_000_000, 3_000_000))
    for (command, before, _), (_, after, _) in zip(few, many, strict=True):
        assert after.anonymous < 1.2 * before.anonymous, command
        assert after.all_anonymous < 1.2 * before.all_anonymous, command
