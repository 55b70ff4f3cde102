import json
import re
from pathlib import Path

import pytest

from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.engines.engine import Local
from tanuki_jax.corpus.cleaning.report.cleaning_page import pieces, write_page
from tanuki_jax.corpus.cleaning.report.cleaning_table import summary, table
from tanuki_jax.corpus.cleaning.report.steps import faults_of, steps_of
from tanuki_jax.corpus.cleaning.report.token_estimate import TokenEstimate
from tanuki_jax.corpus.cleaning.run_cleaning import Cleaned, clean
from tests.corpus.cleaning.corpora import pipeline, texts, write_lines


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Cleaned:
    """Return a run over short texts, copies, a text with markup and a row that holds none."""
    folder = tmp_path_factory.mktemp("run")
    markup = "<script>alert(1)</script>という文字のある文書です。これは長さが足ります。"
    rows = [*texts(10), *[{"id": f"m{n}", "text": markup} for n in range(3)], {"no": "text"}]
    file = write_lines(folder / "a.jsonl", rows)
    finished = clean(pipeline(file, duplicates=Duplicates(), partitions=1), folder / "out", Local(1))
    write_page(finished, None)
    return finished


def test_steps_begin_where_the_one_before_ended(run: Cleaned) -> None:
    length, copies = steps_of(run)
    assert (length.name, length.documents_before, length.documents_after) == ("length", 13, 11)
    assert (copies.documents_before, copies.characters_before) == (11, length.characters_after)
    assert copies.documents_after == run.written.pieces
    assert copies.characters_after == run.written.characters
    assert faults_of(run) == {"no text": 1}


def test_the_page_shows_samples_and_escapes_them(run: Cleaned) -> None:
    page = (run.folder / "report.html").read_text("utf-8")
    assert "too short (characters is 1, limit 20)" in page
    assert "nearest to the limits of length" in page
    assert "the pipeline has no tokenizer" in page
    assert re.search(r"d\d: 3\d, limit 20", page)
    assert "a copy of another document" in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_all_counts_are_also_json(run: Cleaned) -> None:
    counts = json.loads((run.folder / "report.json").read_text("utf-8"))
    assert counts["cleaned"]["rows"] == 14
    assert counts["clusters"]["largest"][0]["size"] >= 3
    assert sum(counts["written"]["lengths_written"].values()) == run.written.pieces


def test_the_terminal_shows_each_step_and_where_the_output_is(run: Cleaned) -> None:
    assert [column.header for column in table(run).columns][:3] == ["step", "documents", "dropped"]
    assert table(run).row_count == 3
    lines = summary(run, None)
    assert lines[0] == "set aside of 14 rows: 1 no text"
    assert lines[-1].endswith("report.html")
    assert Path(run.folder / "documents").is_dir()


def test_tokens_are_on_the_page_if_there_is_a_tokenizer(run: Cleaned) -> None:
    tokens = TokenEstimate({"files": 123_456}, 0.5, 77)
    write_page(run, tokens)
    page = (run.folder / "report.html").read_text("utf-8")
    assert page.count("123,456") == 2
    assert "those of 77 documents that the rules kept are 0.500 a character" in page
    assert any("about 123,456 tokens" in line for line in summary(run, tokens))
    assert json.loads((run.folder / "report.json").read_text("utf-8"))["tokens"]["sources"] == tokens.sources
    write_page(run, None)


def test_a_change_is_shown_as_what_is_gone_and_what_is_new() -> None:
    same = "同じ" * 300
    found = pieces(f"{same}広告！終わり。", f"{same}始まり、終わり。")
    assert "".join(piece for kind, piece in found if kind == "gone") == "広告！"
    assert found[0][0] == "same"
    assert len(found[0][1]) < 300
    assert "".join(piece for kind, piece in found if kind == "new") == "始まり、"
