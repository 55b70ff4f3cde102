"""`clean coverage` as a user runs it."""

import gzip
import json
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.clean import main
from tests.corpus.coverage.scanned import write_corpus

FACTS = "entity\trelation\tanswers\nのび太\t特技\t射撃;昼寝\n"


def run(folder: Path, *words: str, facts: str = FACTS, name: str = "corpus.jsonl") -> None:
    (folder / "facts.tsv").write_text(facts, "utf-8")
    corpus = folder / name
    options = ["--facts", str(folder / "facts.tsv"), "--corpus", str(corpus), "--out", str(folder / "out")]
    main(["coverage", *options, "--workers", "1", *words])


def test_counts_the_plan_and_the_page_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_corpus(tmp_path / "corpus.jsonl", ["のび太の特技は射撃", "のび太の特技は昼寝、また射撃だという", "何もない"])
    run(tmp_path, "--wanted", "2")
    assert "1 answer with fewer than 2 different texts" in capsys.readouterr().out
    [line] = (tmp_path / "out" / "plan.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line) == {
        "entity": ["のび太"],
        "relation": ["特技"],
        "answer": ["昼寝"],
        "texts": 1,
        "missing": 1,
        "passages": ["のび太の特技は昼寝、また射撃だという"],
        "inside": [],
        "related": [],
    }
    assert "のび太" in (tmp_path / "out" / "coverage.html").read_text("utf-8")
    run(tmp_path, "--markdown")
    assert capsys.readouterr().out.startswith("| condition |")


def test_the_plan_names_related_facts_and_spellings_inside_words(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus.jsonl", ["のび太の特技は射撃"])
    facts = "entity\trelation\tanswers\nのび太\t特技\t*射撃\nジャイアン\t特技\t歌唱\nのび太\t苦手\t水泳\n"
    run(tmp_path, "--wanted", "9", facts=facts)
    first, _, last = map(json.loads, (tmp_path / "out" / "plan.jsonl").read_text("utf-8").splitlines())
    assert first["inside"] == ["射撃"]
    assert first["related"] == [["のび太", "苦手", "水泳"], ["ジャイアン", "特技", "歌唱"]]
    assert last["related"] == [["のび太", "特技", "射撃"]]


def test_the_rest_of_a_damaged_file_is_one_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(json.dumps({"text": f"のび太の特技は射撃{number}"}) + "\n" for number in range(2_000))
    whole = gzip.compress(rows.encode())
    (tmp_path / "corpus.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    run(tmp_path, name="corpus.jsonl.gz")
    assert "1 row without a document" in capsys.readouterr().out


def test_wrong_answers_do_not_come_into_the_plan(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus.jsonl", ["のび太の特技は射撃", "のび太の特技は料理"])
    run(tmp_path, "--wanted", "1", facts="entity\trelation\tanswers\twrong\nのび太\t特技\t射撃;昼寝\t料理;裁縫\n")
    lines = (tmp_path / "out" / "plan.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["answer"] for line in lines] == [["昼寝"]]


def test_the_window_and_its_word_are_those_of_the_options(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus.jsonl", ["特技。。。のび太。射撃", "特技は射撃。。。のび太"])
    for around, near in (("entity", 1), ("relation", 1), ("both", 0)):
        run(tmp_path, "--window", "3", "--around", around)
        table = (tmp_path / "out" / "counts.tsv").read_text("utf-8")
        assert "\nのび太 - 特技 - 射撃\t2\t\t\t\nのび太 - 特技 - 射撃 (within 3 characters" in table
        [line] = [line for line in table.splitlines() if "射撃 (within" in line]
        assert line.split("\t")[1] == str(near)


def test_what_was_not_counted_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_corpus(tmp_path / "corpus.jsonl", ["のび太の特技は射撃"])
    (tmp_path / "corpus.parquet").write_bytes(b"PAR1 and no end")
    with (tmp_path / "corpus.jsonl").open("a") as file:
        file.write("no JSON\n")
    more = ("--corpus", str(tmp_path / "corpus.jsonl"), str(tmp_path / "corpus.parquet"))
    run(tmp_path, *more)
    output = capsys.readouterr().out
    assert "corpus.parquet" in output and "1 row without a document" in output
    run(tmp_path, *more, "--markdown")
    output, warnings = capsys.readouterr()
    assert output.startswith("| condition |") and "corpus.parquet" not in output
    assert "corpus.parquet" in warnings and "1 row without a document" in warnings


def test_an_empty_corpus_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").touch()
    with pytest.raises(InputError, match="are all empty"):
        run(tmp_path)
    (tmp_path / "corpus.jsonl").write_text('{"body": "のび太"}\n', "utf-8")
    with pytest.raises(InputError, match=r"none of its 1 rows has a text in the field 'text' \(--text-field\)"):
        run(tmp_path)
