import dataclasses
import re
from pathlib import Path
from random import Random

import pytest

from tanuki_jax.corpus.synthesis.checkers import checker_table
from tanuki_jax.corpus.synthesis.checkers.checker_table import CHECKERS, draw, name_of
from tanuki_jax.corpus.synthesis.recipe import Language

HOSTILE = ["", "\ud800", "```", "[" * 50_000, "{" * 50_000, "a: " * 5_000, "「" * 20_000, "。" * 20_000, "| " * 20_000]
HOSTILE += ["ー" * 20_000 + "x", " ".join("a" * 20_000), "1" * 20_000, "です" * 10_000]


def test_every_kind_is_one_file_of_its_name() -> None:
    assert [kind.__module__.rpartition(".")[2] for kind in CHECKERS.values()] == list(CHECKERS)
    files = [
        path.stem for path in Path(checker_table.__file__).parent.glob("*.py") if "WORDINGS: C" in path.read_text()
    ]
    assert sorted(files) == sorted([*CHECKERS, "checker"])


@pytest.mark.parametrize("name", CHECKERS)
def test_a_command_names_its_values_in_several_wordings(name: str) -> None:
    kind = CHECKERS[name]
    for language in kind.ANSWERS_IN:
        for seed in range(20):
            checker = kind.draw(Random(seed), language)
            assert dataclasses.is_dataclass(checker) and hash(checker) == hash(kind.draw(Random(seed), language))
            assert name_of(checker) == name
            for spoken in ("ja", "en"):
                texts = {dataclasses.replace(checker, wording=number).text(spoken) for number in range(6)}
                assert len(texts) == len(kind.WORDINGS[spoken]) >= 2
                for text in texts:
                    assert re.search(r"\{\w*\}", text) is None, text
                    assert all(str(value) in text for key, value in checker.values(spoken).items() if key != "kind")
                    assert (re.search("[ぁ-ん]", text) is not None) or spoken == "en"


@pytest.mark.parametrize("name", CHECKERS)
@pytest.mark.parametrize("answer", HOSTILE, ids=range(len(HOSTILE)))
def test_no_answer_is_too_much(name: str, answer: str) -> None:
    kind = CHECKERS[name]
    assert isinstance(kind.draw(Random(0), kind.ANSWERS_IN[0]).obeyed(answer), bool)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_all_kinds_of_a_language_are_drawn(language: Language) -> None:
    drawn = {name_of(draw(Random(seed), language)) for seed in range(600)}
    assert drawn == {name for name, kind in CHECKERS.items() if language in kind.ANSWERS_IN}
    assert draw(Random(3), language) == draw(Random(3), language)
