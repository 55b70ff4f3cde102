"""The page: rows by kind, passages with their words marked."""

from pathlib import Path

from tanuki_jax.corpus.coverage.coverage_page import marked, write_page
from tanuki_jax.corpus.coverage.passages import read_passages, shown_places
from tests.corpus.coverage.scanned import counted, fact, parts_of


def test_words_are_marked() -> None:
    words = fact("のび太|野比のび太", "特技", "射撃").words
    pieces = [*marked("野比のび太の特技!", words)]
    assert pieces == [(True, "野比のび太"), (False, "の"), (True, "特技"), (False, "!")]


def test_answers_are_short_enough_or_wrong(tmp_path: Path) -> None:
    texts = ["のび太の特技は射撃<b>", "のび太の特技が射撃なのは有名だ", "のび太の特技は昼寝", "のび太の特技は料理"]
    counts = counted(tmp_path, texts, fact("のび太", "特技", "射撃", "昼寝", wrong=["料理"]))
    places = {place for answer in counts[0].answers for place in shown_places(answer)}
    passages = read_passages(parts_of(tmp_path / "corpus.jsonl"), places)
    write_page(tmp_path / "a.html", counts, passages, totals=[("documents", "4")], definition="Near.", wanted=2)
    html = (tmp_path / "a.html").read_text("utf-8")
    for kind, label in (("short", "too few texts (1)"), ("enough", "enough texts (1)"), ("wrong", "wrong answers (1)")):
        assert label in html and f'<tr class="{kind}">' in html
    assert "&lt;b&gt;" in html and "<b>" not in html.split("</style>")[-1]
