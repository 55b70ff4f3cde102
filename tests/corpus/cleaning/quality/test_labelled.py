from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.quality.labelled import Labelled, read_labelled


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", "猫\tがいる\tgood\n送料無料\tbad\n\n"),
        ("a.jsonl", '{"text": "猫\\tがいる", "label": "good"}\n{"text": "送料無料", "label": 0}\n'),
        ("a.txt", "__label__good 猫\tがいる\n__label__bad 送料無料\r\n"),
    ],
)
def test_three_formats_give_the_same(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_bytes("\ufeff".encode() + content.encode())
    assert read_labelled(path) == [Labelled("猫\tがいる", True), Labelled("送料無料", False)]


@pytest.mark.parametrize("content", ["", "猫がいる\n", "猫がいる\tfine\n", "\tgood\n"])
def test_lines_without_label_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(content)
    with pytest.raises(InputError, match=r"a\.tsv"):
        read_labelled(path)


@pytest.mark.parametrize("content", ["1", "[]", '{"text": "a"}', "{"])
def test_lines_that_are_no_objects_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(content)
    with pytest.raises(InputError, match="line 1"):
        read_labelled(path)
