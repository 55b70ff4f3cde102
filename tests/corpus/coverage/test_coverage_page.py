"""The page: rows by kind, passages with their words marked."""

from pathlib import Path

from tanuki_jax.corpus.coverage.coverage_page import marked, write_page
from tanuki_jax.corpus.coverage.passages import read_passages, shown_places
from tests.corpus.coverage.scanned import counted, fact, parts_of


def test_words_are_marked() -> None:
    words = fact("のび太|野比のび太|太郎", "特技", "射撃").words
    first, second = marked(["野比のび太郎の特技!", "射撃"], words)
    assert first == [(True, "野比のび太郎"), (False, "の"), (True, "特技"), (False, "!")]
    assert second == [(True, "射撃")]


def test_a_spelling_that_does_not_count_is_not_marked() -> None:
    [pieces] = marked(["アリスとアリ"], fact("アリ", "特技", "射撃").words)
    assert pieces == [(False, "アリスと"), (True, "アリ")]
    [pieces] = marked(["アリス"], fact("*アリ", "特技", "射撃").words)
    assert pieces == [(True, "アリ"), (False, "ス")]


def test_answers_are_short_enough_or_wrong(tmp_path: Path) -> None:
    texts = ["のび太の特技は射撃<b>", "のび太の特技が射撃なのは有名だ", "のび太の特技は昼寝", "のび太の特技は料理"]
    counts = counted(tmp_path, texts, fact("のび太", "特技", "射撃", "昼寝", wrong=["料理"]))
    places = {place for answer in counts[0].answers for place in shown_places(answer)}
    passages = read_passages(parts_of(tmp_path / "corpus.jsonl"), places)
    write_page(tmp_path / "a.html", counts, passages, totals=[("documents", "4")], definition="Near.", wanted=2)
    html = (tmp_path / "a.html").read_text("utf-8")
    for kind, label in (("short", "too few texts (1)"), ("enough", "enough texts (1)"), ("wrong", "wrong answers (1)")):
        assert label in html and f'<tr class="{kind}">' in html
    assert "<summary>2 different texts</summary>" in html and "<summary>1 different text</summary>" in html
    assert "&lt;b&gt;" in html and "<b>" not in html.split("</style>")[-1]
