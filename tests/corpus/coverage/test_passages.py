"""Passages that are shown: of different texts."""

from pathlib import Path

from tanuki_jax.corpus.coverage.passages import read_passages, shown_places
from tests.corpus.coverage.scanned import counted, fact, parts_of, write_corpus

COPY = "これは写しの文章であり、のび太の特技は射撃だという話である。"
OTHERS = [
    "むかし読んだ漫画では、のび太くんの特技といえば射撃。",
    "ドラえもん\nのび太\n特技:射撃",
    "のび太、特技射撃、以上",
    "射撃がのび太の特技",
]


def test_the_most_copied_text_and_others_are_shown(tmp_path: Path) -> None:
    texts = [OTHERS[0], "何もない", *[COPY] * 4, *OTHERS[1:]]
    [found] = counted(tmp_path, texts, fact("のび太", "特技", "射撃"))
    places = shown_places(found.answers[0])
    passages = read_passages(parts_of(tmp_path / "corpus.jsonl"), places)
    assert [passages[place] for place in places] == [COPY, OTHERS[0], "ドラえもん のび太 特技:射撃"]


def test_rows_without_a_document_move_no_passage(tmp_path: Path) -> None:
    path = write_corpus(tmp_path / "corpus.jsonl", ["", *OTHERS[:2], "何もない", *OTHERS[2:]])
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join(["no JSON", *lines[:3], '{"other": 1}', *lines[3:]]) + "\n", "utf-8")
    parts = parts_of(path, part_bytes=150)
    [found] = counted(tmp_path, [], fact("のび太", "特技", "射撃"), part_bytes=150)
    places = [place for group in found.answers[0].groups for place in group]
    assert len(parts) > 2 and len({place.part for place in places}) > 1
    passages = read_passages(parts, places)
    assert sorted(passages.values()) == sorted(" ".join(text.split()) for text in OTHERS)


def test_a_passage_is_a_window(tmp_path: Path) -> None:
    text = "あ" * 100 + "のび太の特技は射撃" + "い" * 100
    [found] = counted(tmp_path, [text], fact("のび太", "特技", "射撃"))
    places = shown_places(found.answers[0])
    [passage] = read_passages(parts_of(tmp_path / "corpus.jsonl"), places).values()
    assert passage == "あ" * 63 + "のび太の特技は射撃" + "い" * 70
