"""JMMLU in its public layout, one CSV file a subject."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.benchmark import Reply
from tanuki_jax.evaluation.benchmarks.jmmlu import Jmmlu
from tests.evaluation.benchmarks.played import play


def write(folder: Path, subject: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{subject}.csv").write_text(text, encoding="utf-8")


def test_subjects_are_files_with_or_without_a_line_of_names(tmp_path: Path) -> None:
    write(tmp_path / "jmmlu" / "test", "b_history", "question,A,B,C,D,answer\n都は？,奈良,京都,大阪,東京,B\n")
    write(tmp_path / "jmmlu" / "test", "a_maths", '1+1は？,"1,0",2,3,4,B\n2+2は？,1,2,3,4,D\n')
    loaded = Jmmlu().load(tmp_path)
    assert [item.id for item in loaded.items] == ["a_maths/1", "a_maths/2", "b_history/2"]
    assert loaded.items[0].question == "質問：1+1は？\n選択肢：A.1,0,B.2,C.3,D.4"
    assert [item.tags["subject"] for item in loaded.items] == ["a_maths", "a_maths", "b_history"]
    assert len(loaded.files) == 2


@pytest.mark.parametrize(
    ("answer", "scores"),
    [("答え:b", (1, 1, 1)), ("Ｂ\n\n京都です。", (1, 1, 1)), ("Bの京都です。", (0, 1, 0)), ("C", (0, 0, 1))],
)
def test_scores_of_an_answer(answer: str, scores: tuple[float, ...], tmp_path: Path) -> None:
    write(tmp_path / "jmmlu" / "test", "history", "都は？,奈良,京都,大阪,東京,B\n")
    found, _ = play(Jmmlu(), Jmmlu().load(tmp_path).items[0], lambda ask: Reply(answer))
    assert tuple(found.values.values()) == scores


def test_a_letter_that_is_no_option_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "jmmlu" / "test", "a", "1+1は？,1,2,3,4,E\n")
    with pytest.raises(InputError, match=r"row 1 of .* has the answer 'E'"):
        Jmmlu().load(tmp_path)


def test_a_folder_without_files_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "jmmlu" / "test").mkdir(parents=True)
    with pytest.raises(InputError, match="has no CSV file; it is in the repository"):
        Jmmlu().load(tmp_path)


def test_the_first_items_are_of_all_subjects(tmp_path: Path) -> None:
    for subject in "abc":
        write(tmp_path / "jmmlu" / "test", subject, "1+1は？,1,2,3,4,B\n" * 3)
    assert [item.id for item in Jmmlu(first=4).load(tmp_path).items] == ["a/1", "a/2", "b/1", "c/1"]
