from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.audit.sample import Drawn, LabelFile, draw
from tests.corpus.cleaning.corpora import pipeline, texts, write_lines


def test_a_sample_depends_on_texts_and_seed_alone(tmp_path: Path) -> None:
    rows = texts(200)
    whole = pipeline(write_lines(tmp_path / "a.jsonl", rows))
    parts = pipeline(*(write_lines(tmp_path / f"b{n}.jsonl", rows[::-1][n::3]) for n in range(3)))
    drawn = draw(whole, 20, seed=1)
    assert len(drawn) == len(set(drawn)) == 20
    assert draw(parts, 20, seed=1) == drawn
    assert draw(whole, 20, seed=2) != drawn


def test_copies_of_a_text_have_the_chance_of_one(tmp_path: Path) -> None:
    rows = [{"id": f"c{n}", "text": "いつも同じ広告です。"} for n in range(500)] + texts(20)
    drawn = draw(pipeline(write_lines(tmp_path / "a.jsonl", rows)), 100, seed=0)
    assert len(drawn) == 21


def test_of_a_large_input_some_parts_are_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = [write_lines(tmp_path / f"{n}.jsonl", texts(40, start=40 * n)) for n in range(8)]
    one = pipeline(*files, part_bytes=1_000)
    with caplog.at_level("INFO"):
        drawn = draw(one, 1_000, seed=1, most_parts=3)
    assert "from 3 of" in caplog.text
    assert 0 < len(drawn) < 320
    assert draw(one, 1_000, seed=2, most_parts=3) != drawn
    assert len(draw(one, 1_000, seed=1)) == 320


def test_labels_are_kept_and_not_asked_for_again(tmp_path: Path) -> None:
    path = tmp_path / "labels" / "a.jsonl"
    drawn = [Drawn("a", "一"), Drawn("b", "二")]
    LabelFile(path).add(drawn[1], "noise")
    again = LabelFile(path)
    assert again.missing(drawn) == drawn[:1]
    again.add(drawn[0], "story")
    assert LabelFile(path).labels == {"一": "story", "二": "noise"}


def test_a_label_that_was_cut_by_a_kill_is_asked_for_again(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    drawn = [Drawn("a", "一\u2028\x85一"), Drawn("b", "二"), Drawn("c", "三")]
    labels = LabelFile(path)
    labels.add(drawn[0], "noise")
    labels.add(drawn[1], "noise")
    path.write_bytes(path.read_bytes()[:-5])
    again = LabelFile(path)
    assert again.missing(drawn) == drawn[1:]
    again.add(drawn[1], "story")
    again.add(drawn[2], "story")
    path.write_bytes(path.read_bytes().rstrip(b"\n"))  # as an editor may leave it
    assert LabelFile(path).missing(drawn) == []
    assert LabelFile(path).labels["二"] == "story"


def test_a_broken_file_of_labels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": 1}\n')
    with pytest.raises(InputError, match="line 1: not an object with id, text and label"):
        LabelFile(tmp_path / "a.jsonl")
