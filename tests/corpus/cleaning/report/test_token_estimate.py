from dataclasses import replace
from pathlib import Path

import pytest

from tanuki_jax.corpus.cleaning.engines.engine import Local
from tanuki_jax.corpus.cleaning.pipeline import Input
from tanuki_jax.corpus.cleaning.report.token_estimate import estimated
from tanuki_jax.corpus.cleaning.run_cleaning import clean
from tests.corpus.cleaning.corpora import pipeline, write_lines


class Words:
    """A tokenizer whose tokens are the words between spaces."""

    def encode(self, text: str) -> list[int]:
        """Return an id for each word."""
        return [0] * len(text.split())


@pytest.mark.thorough
def test_tokens_of_each_source_come_from_its_own_documents(tmp_path: Path) -> None:
    long = [write_lines(tmp_path / f"long{n}.jsonl", [{"text": f"{n:09d} " * 300}] * 400) for n in range(3)]
    short = write_lines(tmp_path / "short.jsonl", [{"text": f"{n} " * 30} for n in range(5)])
    inputs = (Input(name="long", paths=tuple(map(str, long))), Input(name="short", paths=(str(short),)))
    one = replace(pipeline(short, rules=(), part_bytes=1_000_000), inputs=inputs)
    done = clean(one, tmp_path / "out", Local(1))
    assert len(done.parts.parts) > 2
    found = estimated(done, Words())
    assert found.sources == {"long": 3 * 400 * 300, "short": 5 * 30}
    assert found.written == 360_150
    assert found.per_character == pytest.approx(360_150 / done.written.characters)
    assert 500 < found.documents < 1_205
