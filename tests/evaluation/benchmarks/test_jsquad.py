"""JSQuAD in the layout of SQuAD."""

import json
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.benchmark import Reply
from tanuki_jax.evaluation.benchmarks.jsquad import Jsquad
from tests.evaluation.benchmarks.played import play

ARTICLE = {
    "title": "狸",
    "paragraphs": [
        {
            "context": "狸 [SEP] 狸は夜に活動する。狸は木に登る。",
            "qas": [
                {
                    "id": "a0",
                    "question": "狸はいつ活動するか",
                    "answers": [{"text": "夜"}, {"text": "夜に"}, {"text": "夜"}],
                },
                {"id": "a1", "question": "狸は何に登るか", "answers": [{"text": "木"}]},
            ],
        }
    ],
}


def write(data: Path, content: object) -> None:
    (data / "jsquad").mkdir()
    (data / "jsquad" / "valid-v1.3.json").write_text(json.dumps(content), encoding="utf-8")


def test_items_are_read_from_the_public_layout(tmp_path: Path) -> None:
    write(tmp_path, {"version": "1.3", "data": [ARTICLE]})
    first, second = Jsquad().load(tmp_path).items
    assert first.question == "文章：狸は夜に活動する。狸は木に登る。\n質問：狸はいつ活動するか"
    assert (first.expected, first.row[1].references) == ("夜", ("夜に",))
    assert first.cluster == second.cluster != ""


def test_scores_of_an_answer(tmp_path: Path) -> None:
    write(tmp_path, {"data": [ARTICLE]})
    task = Jsquad()
    question = task.load(tmp_path).items[0].row[1]
    assert task.strict("夜", question) == 1 and 0 < task.strict("夜に活動", question) < 1
    assert task.flexible("狸は夜に活動します。", question) and not task.flexible("昼です。", question)
    assert task.has_form("夜") and not task.has_form("夜" * 41) and not task.has_form("")


def test_words_that_announce_the_answer_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, {"data": [ARTICLE]})
    item = Jsquad().load(tmp_path).items[0]
    announced, _ = play(Jsquad(), item, lambda ask: Reply("回答:\n\n夜"))
    assert announced.values == {"strict": 1, "flexible": 1, "control": 1}


@pytest.mark.parametrize("content", [[], {"data": [{"paragraphs": [{"context": "x", "qas": [{"id": 1}]}]}]}, {"a": 1}])
def test_another_layout_is_an_error(content: object, tmp_path: Path) -> None:
    write(tmp_path, content)
    with pytest.raises(InputError, match=r"valid-v1\.3\.json"):
        Jsquad().load(tmp_path)
