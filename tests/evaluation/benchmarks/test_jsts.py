"""JSTS in its public layout, and its correlations."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.benchmark import Reply, Scores
from tanuki_jax.evaluation.benchmarks.jsts import Jsts
from tests.evaluation.benchmarks.jaster_data import write_lines

LABELS = (0.0, 1.2, 2.4, 3.6, 5.0)


def write(data: Path) -> None:
    rows: list[dict[str, object]] = [
        {
            "sentence_pair_id": str(n),
            "yjcaptions_id": f"{n // 2}-{n}-{n + 1}",
            "sentence1": "犬。",
            "sentence2": "猫。",
            "label": label,
        }
        for n, label in enumerate(LABELS)
    ]
    write_lines(data / "jsts" / "valid-v1.3.json", *rows)


def scored(answers: list[str], data: Path) -> list[Scores]:
    task, result = Jsts(), []
    for item, answer in zip(task.load(data).items, answers, strict=True):
        chain = task.chain(item)
        next(chain)
        with pytest.raises(StopIteration) as end:
            chain.send([Reply(answer)])
        result.append(end.value.value)
    return result


def test_scores_of_single_answers(tmp_path: Path) -> None:
    write(tmp_path)
    found = scored(["0", "類似度は1です", "5", "10", "5.0"], tmp_path)
    assert [scores.values["strict"] for scores in found] == [1, 0, 0, 0, 1]
    assert [scores.values["flexible"] for scores in found] == [1, 1, 0, 0, 1]
    assert [scores.values["stated"] for scores in scored(["0", "3か4", "点です"] + ["-1"] * 2, tmp_path)] == [
        0,
        34,
        -2,
        1,
        1,
    ]
    assert [scores.values["control"] for scores in found] == [1, 0, 1, 0, 1]


def test_a_label_that_is_no_number_is_an_error(tmp_path: Path) -> None:
    row: dict[str, object] = {"sentence_pair_id": "1", "sentence1": "犬。", "sentence2": "猫。", "label": "close"}
    write_lines(tmp_path / "jsts" / "valid-v1.3.json", row)
    with pytest.raises(InputError, match=r"row 1 of .* has the answer 'close', and must have a number"):
        Jsts().load(tmp_path)


def test_sentences_on_one_picture_are_a_cluster(tmp_path: Path) -> None:
    write(tmp_path)
    assert [item.cluster for item in Jsts().load(tmp_path).items] == ["0", "0", "1", "1", "2"]


def test_correlations_are_those_of_all_items(tmp_path: Path) -> None:
    write(tmp_path)
    task = Jsts()
    items = task.load(tmp_path).items
    right = task.overall(list(zip(items, scored([str(label) for label in LABELS], tmp_path), strict=True)))
    assert right == {"pearson": pytest.approx(1), "spearman": pytest.approx(1)}
    mixed = task.overall(list(zip(items, scored(["0", "2", "1", "3", "4"], tmp_path), strict=True)))
    assert mixed["spearman"] == pytest.approx(0.9)  # ranks 1 3 2 4 5: 1 - 6 * 2 / (5 * 24)
