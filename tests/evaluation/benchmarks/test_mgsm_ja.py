"""MGSM in Japanese in its public layout, and the examples of this project."""

from pathlib import Path

import pytest

from tanuki_jax.evaluation.benchmarks.mgsm_ja import EXAMPLES, MgsmJa


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "mgsm_ja").mkdir()
    (tmp_path / "mgsm_ja" / "mgsm_ja.tsv").write_text('卵を"16"個。いくら？\t18\n何円？\t1,200\n', encoding="utf-8")
    return tmp_path


def test_items_are_read_from_the_public_layout(data: Path) -> None:
    first, second = MgsmJa().load(data).items
    assert (first.id, first.question, first.expected, second.expected) == (
        "1",
        '問題：卵を"16"個。いくら？',
        "18",
        "1200",
    )


def test_scores_of_an_answer(data: Path) -> None:
    task = MgsmJa()
    question = task.load(data).items[1].row[1]
    assert [task.strict(each, question) for each in ("1200", "1200.0", "1,200", "1200円")] == [1, 1, 0, 0]
    assert [task.flexible(each, question) for each in ("1200", "答えは1,200円です。", "1300円")] == [1, 1, 0]
    assert [task.has_form(each) for each in ("1200", "7", "1,200", "1200円")] == [True, True, False, False]


def test_the_examples_are_solved_rightly() -> None:
    by_hand = [12 / 3, 150 * 4 + 80, 15 * 14, 28 - 9 + 5, 200 - 25 * 6, 2400 * 0.75, 7 + 15, 150 / 60 * 60]
    assert [int(answer) for _, answer in EXAMPLES] == by_hand
