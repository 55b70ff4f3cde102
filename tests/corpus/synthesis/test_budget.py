"""The limit of a run's cost."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.client.answer_journal import AnswerJournal, Stored
from tanuki_jax.corpus.synthesis.budget import Budget, begin_budget


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a run that has paid 2 for each of four answers, in two journals."""
    (tmp_path / "journal").mkdir()
    for name in ("a", "b"):
        with AnswerJournal(tmp_path / "journal" / f"{name}.jsonl.zst") as journal:
            for number in range(2):
                journal.add(f"{name}{number}", Stored(("文",), ("stop",), cost=2.0))
    begin_budget(tmp_path)
    return tmp_path


def reserved(budget: Budget) -> int:
    """Return how many requests fit."""
    count = 0
    with pytest.raises(InputError, match="is reached"):
        while count < 1_000:
            budget.reserve()
            count += 1
    return count


def test_as_many_requests_fit_as_their_mean_price_allows(folder: Path) -> None:
    assert reserved(Budget(folder, 8 + 2 * 64)) == 64
    begin_budget(folder)  # the next start
    assert reserved(Budget(folder, 8 + 2 * 64)) == 64


def test_two_tasks_share_what_is_left(folder: Path) -> None:
    one, other = Budget(folder, 20), Budget(folder, 20)
    assert [one.reserve(), other.reserve(), one.reserve()] == [2, 2, 2]
    one.settle(2, 6.0)  # dearer than the mean, which is 14 for five answers now
    assert reserved(other) == 0
    one.settle(2, None)
    assert reserved(other) == 1
    other.settle(2, None)
    assert reserved(other) == 1


def test_answers_that_a_killed_task_had_paid_and_not_written_count(folder: Path) -> None:
    budget = Budget(folder, 20)
    budget.settle(budget.reserve(), 10.0)  # the journal of this answer is lost
    begin_budget(folder)
    assert reserved(Budget(folder, 18 + 3 * 18 / 5 + 0.01)) == 3
    (folder / "budget.json").write_text("{")
    with pytest.raises(InputError, match="start again"):
        budget.reserve()
    begin_budget(folder)
    assert reserved(Budget(folder, 8 + 2 * 3)) == 3


def test_without_a_limit_nothing_is_counted(tmp_path: Path) -> None:
    budget = Budget(tmp_path, 0.0)
    budget.settle(budget.reserve(), 5.0)
    assert [*tmp_path.iterdir()] == []
