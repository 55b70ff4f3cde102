from pathlib import Path
from random import Random

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.synthesis.word_lists import LISTS, draw, entries, group

LEAST = {
    "genres": 300,
    "curriculum": 300,
    "topics": 150,
    "jobs": 100,
    "characters": 40,
    "tasks": 30,
    "follow_ups": 30,
    "purposes": 20,
    "nouns": 150,
    "answer_styles": 6,
    "levels": 6,
    "reviews": 6,
    "similarities": 6,
    "forms": 25,
    "viewpoints": 30,
}
"""List -> number of entries that it has at least."""


def test_the_lists_are_as_long_as_they_should_be() -> None:
    assert {path.stem for path in LISTS.glob("*.txt")} == set(LEAST)
    assert {name: len(entries(name)) for name, least in LEAST.items() if len(entries(name)) < least} == {}


@pytest.mark.parametrize("name", LEAST)
def test_no_entry_occurs_twice_below_a_heading(name: str) -> None:
    for texts in (
        [(entry.group, entry.words.ja) for entry in entries(name)],
        [(entry.group, entry.words.en) for entry in entries(name)],
    ):
        assert sorted(map(str, texts)) == sorted({str(text) for text in texts})


@pytest.mark.parametrize("name", LEAST)
def test_english_is_written_in_ascii(name: str) -> None:
    assert [entry for entry in entries(name) if not entry.words.en.replace("²", "").isascii()] == []


def test_an_entry_knows_the_heading_above_it() -> None:
    (unit,) = [entry for entry in entries("curriculum") if entry.words.ja == "三平方の定理"]
    assert (unit.group.ja, unit.text("en")) == ("中学校3年 数学", "the Pythagorean theorem")


def test_a_group_is_what_stands_below_a_heading() -> None:
    groups = [group("topics", heading) for heading in ("logic", "mathematics", "programming")]
    assert sum(groups, ()) == entries("topics")
    assert all(len(below) >= 30 for below in groups)
    assert group("topics", "poetry") == ()


def test_drawing_depends_on_the_source_of_chance_alone() -> None:
    assert draw(Random(5), "jobs", "ja") == draw(Random(5), "jobs", "ja")
    assert len({draw(Random(seed), "jobs", "en") for seed in range(50)}) > 20


@pytest.mark.parametrize("line", ["犬", "犬 | ", "犬 | dog | hound", "[犬 | dog", ""])
def test_a_line_that_is_no_entry_is_an_error(line: str, tmp_path: Path) -> None:
    (tmp_path / "animals.txt").write_text(f"猫 | cat\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"animals\.txt, line 2"):
        entries("animals", tmp_path)
