"""Pages of questions have every item once, with the answers of all runs, and are safe."""

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.evaluation.report.question_pages import write_question_pages
from tanuki_jax.evaluation.report.read_results import read_runs
from tests.evaluation.report.made_runs import benchmark, item, results, write_run, write_two_runs


@pytest.fixture
def written(tmp_path: Path) -> list[tuple[str, str]]:
    return write_question_pages(tmp_path / "out", read_runs(write_two_runs(tmp_path)))


def page(tmp_path: Path, name: str) -> str:
    return (tmp_path / "out" / "questions" / f"{name}.html").read_text("utf-8")


def test_a_page_is_written_for_each_benchmark_with_items(written: list[tuple[str, str]]) -> None:
    assert written == [
        ("JCommonsenseQA, 0-shot: 20 questions with all answers", "questions/jcommonsenseqa_0shot.html"),
        ("Japanese MT-Bench: 16 questions with all answers", "questions/mt_bench_ja.html"),
        ("School problems by rule: 30 questions with all answers", "questions/school_problems.html"),
    ]


def test_a_question_has_an_anchor_and_the_answers_of_all_runs(written: list[tuple[str, str]], tmp_path: Path) -> None:
    text = page(tmp_path, "jcommonsenseqa_0shot")
    assert text.count("<article ") == 20
    assert '<article id="item-8939">' in text and 'href="#item-8939"' in text
    article = text.split('<article id="item-8939">')[1].split("</article>")[0]
    assert article.count("<h3>") == 2
    assert "スキー場で人を運ぶものは何ですか。" in article
    assert article.count("スキー場") == 1


def test_failures_cuts_and_unreadable_verdicts_are_in_sight(written: list[tuple[str, str]], tmp_path: Path) -> None:
    text = page(tmp_path, "jcommonsenseqa_0shot")
    assert text.count("the request failed: the server gave no answer within 60 s") == 1
    assert text.count("cut at the limit of tokens") == 2
    assert text.count("unreadable: flexible") == 3


def test_long_answers_are_folded_and_thoughts_too(written: list[tuple[str, str]], tmp_path: Path) -> None:
    long = page(tmp_path, "jcommonsenseqa_0shot")
    assert len(re.findall(r"<details><summary>答えはとても長い.*… \(\d+ characters\)</summary>", long)) == 2
    talk = page(tmp_path, "mt_bench_ja")
    assert "with the thinking before it" in talk and "&lt;think&gt;" in talk
    assert "2 of 4, judge" in talk


def test_questions_on_which_runs_differ_are_marked(written: list[tuple[str, str]], tmp_path: Path) -> None:
    rows = re.findall(r"<tr( class=\"marked\")?><td class=\"left\"><a", page(tmp_path, "jcommonsenseqa_0shot"))
    assert [bool(mark) for mark in rows] == [False] * 9 + [True] * 4 + [False] * 7


def test_odd_ids_and_hostile_answers_stay_text(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    odd = item("a b/狸#1", {"strict": 1}, question=hostile, answers=[{"text": hostile}], note=hostile)
    run = write_run(tmp_path / "a", results("a", [benchmark("b", "B", [odd], ["strict"])]))
    write_question_pages(tmp_path / "out", read_runs([run]))
    text = page(tmp_path, "b")
    assert "<script" not in text
    [anchor] = re.findall(r'<article id="([^"]*)">', text)
    assert " " not in anchor and f'href="#{anchor}"' in text


def test_a_long_reference_stands_in_a_box(tmp_path: Path) -> None:
    short, long = item("1", {"s": 1}, expected="2"), item("2", {"s": 1}, expected="一つ目の答え\n\n二つ目の答え")
    run = write_run(tmp_path / "a", results("a", [benchmark("b", "B", [short, long], ["s"])]))
    write_question_pages(tmp_path / "out", read_runs([run]))
    text = page(tmp_path, "b")
    assert "<p>Expected: <b>2</b></p>" in text
    assert "<pre>一つ目の答え\n\n二つ目の答え</pre>" in text


def asked(*contents: str) -> dict[str, Any]:
    """Return the request of a conversation whose messages are of user and model by turns."""
    roles = itertools.cycle(("user", "assistant"))
    return {"messages": [{"role": next(roles), "content": content} for content in contents]}


def prompted(tmp_path: Path, question: str, *answers: Mapping[str, Any]) -> str:
    """Return the page of two runs with one question and the same answers."""
    value = benchmark("b", "B", [item("1", {"s": 1}, question=question, answers=answers)], ["s"])
    write_question_pages(
        tmp_path / "out", read_runs([write_run(tmp_path / name, results(name, [value])) for name in ("m1", "m2")])
    )
    return page(tmp_path, "b")


def test_a_short_prompt_with_the_question_stands_in_its_place(tmp_path: Path) -> None:
    text = prompted(tmp_path, "椅子とは。", {"text": "物", "request": asked("短く答えて。\n椅子とは。")})
    assert text.count("the whole prompt") == 1 and text.count("<pre>短く答えて。\n椅子とは。</pre>") == 1
    assert text.count("椅子とは。") == 1 and "its prompt" not in text


def test_a_long_prompt_is_folded_below_the_question(tmp_path: Path) -> None:
    text = prompted(tmp_path, "椅子とは。", {"text": "物", "request": {"prompt": "例文です。" * 200 + "椅子とは。"}})
    assert "<pre>椅子とは。</pre>" in text
    assert re.search(r"<details><summary>例文です。.*… \(1,005 characters\)</summary>", text)


def test_turns_are_named_and_a_later_one_has_the_conversation(tmp_path: Path) -> None:
    text = prompted(
        tmp_path,
        "turn 1:\n詩を書いて。\n\nturn 2:\n題は。",
        {"text": "春の詩", "label": "turn 1", "request": asked("詩を書いて。")},
        {"text": "春", "label": "turn 2", "request": asked("詩を書いて。", "春の詩", "題は。")},
        {"text": "[[7]]", "label": "turn 2", "by": "judge", "request": asked("採点して。")},
    )
    assert "the whole prompt" not in text  # that of the first turn is a part of the question
    for heading in ("turn 1", "turn 2", "turn 2, judge"):
        assert text.count(f'<div class="note">{heading}</div>') == 2
    whole = "user:\n詩を書いて。\n\nassistant:\n春の詩\n\nuser:\n題は。"
    assert text.count(f"<summary>its prompt ({len(whole)} characters)</summary><pre>{whole}</pre>") == 2
    assert text.count("<pre>採点して。</pre>") == 2


def test_an_item_that_a_run_lacks_and_another_prompt_are_named(tmp_path: Path) -> None:
    one = benchmark("b", "B", [item("1", {"strict": 1}), item("2", {"strict": 1})], ["strict"])
    two = benchmark("b", "B", [item("1", {"strict": 0}, question="別の質問")], ["strict"])
    runs = [write_run(tmp_path / name, results(name, [value])) for name, value in (("m1", one), ("m2", two))]
    write_question_pages(tmp_path / "out", read_runs(runs))
    text = page(tmp_path, "b")
    assert "as m1 was asked" in text and "as m2 was asked" in text
    assert text.count("This run does not have the question.") == 1
