"""JCommonsenseQA in its public layout."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.benchmarks.jcommonsenseqa import JCommonsenseQa
from tests.evaluation.benchmarks.jaster_data import write_jcommonsenseqa, write_lines


def test_a_free_answer_may_name_the_option(tmp_path: Path) -> None:
    write_jcommonsenseqa(tmp_path)
    task = JCommonsenseQa(form="free")
    item = task.load(tmp_path).items[2]
    [ask] = next(task.chain(item))
    assert ask.body["messages"] == [{"role": "user", "content": item.question}]
    assert task.flexible("それは「うの札」です。", item.row[1]) and not task.flexible(
        "それは「えの札」です。", item.row[1]
    )
    assert task.metrics == ("flexible",)


def test_a_free_question_has_no_examples(tmp_path: Path) -> None:
    write_jcommonsenseqa(tmp_path)
    with pytest.raises(InputError, match="set shots to 0"):
        JCommonsenseQa(form="free", shots=2).load(tmp_path)


def test_a_row_without_an_option_is_an_error(tmp_path: Path) -> None:
    write_lines(
        tmp_path / "jcommonsenseqa" / "jcommonsenseqa-valid-v1.3.json", {"q_id": 1, "question": "?", "label": 0}
    )
    with pytest.raises(InputError, match=r"row 1 of .* has no field 'choice0'"):
        JCommonsenseQa().load(tmp_path)


def test_a_label_without_an_option_is_an_error(tmp_path: Path) -> None:
    row: dict[str, object] = {"q_id": 1, "question": "?", "label": 5} | {f"choice{label}": "札" for label in range(5)}
    write_lines(tmp_path / "jcommonsenseqa" / "jcommonsenseqa-valid-v1.3.json", row)
    with pytest.raises(InputError, match=r"row 1 of .* has the answer '5', and must have one of 0, 1, 2, 3, 4"):
        JCommonsenseQa().load(tmp_path)
