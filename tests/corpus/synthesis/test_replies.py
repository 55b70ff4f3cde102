import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.synthesis.recipe import Dropped
from tanuki_jax.corpus.synthesis.replies import (
    final_answer,
    parse_answer,
    parse_code,
    parse_object,
    parse_parts,
    parse_question,
    parse_verbatim,
)


@pytest.mark.parametrize(
    "text",
    [
        "空はなぜ青いのですか。",
        "質問: 空はなぜ青いのですか。",
        "質問：\n空はなぜ青いのですか。",
        "**質問:** 空はなぜ青いのですか。",
        "**質問**： 空はなぜ青いのですか。",
        "### 質問\n空はなぜ青いのですか。",
        "【質問】空はなぜ青いのですか。",
        "【ユーザー】：空はなぜ青いのですか。",
        "User: 空はなぜ青いのですか。",
        "「空はなぜ青いのですか。」",
        '"空はなぜ青いのですか。"',
        "<message>\n空はなぜ青いのですか。\n</message>",
        "```text\n空はなぜ青いのですか。\n```",
        "メッセージ: 「空はなぜ青いのですか。」",
    ],
)
def test_what_is_around_a_question_is_cut(text: str) -> None:
    assert parse_question(text) == "空はなぜ青いのですか。"


@pytest.mark.parametrize(
    "text",
    [
        "質問があります。空はなぜ青いのですか。",
        "「雨」と「雪」の違いは何ですか。「雹」とも比べてください。",
        "「雨」と「雪」",
        "User accounts: how do I delete one?",
        "次のコードを直してください。\n```python\nprint(1\n```",
        "#タグの付け方を教えてください。",
        "問題点を三つ: 何でしょうか",
    ],
)
def test_a_question_that_only_looks_labelled_stays_as_it_is(text: str) -> None:
    assert parse_question(text) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("質問:", "empty"),
        ("「」", "empty"),
        ("なぜ？\n回答: 青いから", "comes with an answer"),
        ("Why?\n\n**Answer:** Because.", "comes with an answer"),
        ("Why?\nAssistant: Because.", "comes with an answer"),
        ("Why?<|im_end|>", "special tokens"),
        ("なぜ？</s>", "special tokens"),
    ],
)
def test_these_are_no_questions(text: str, reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        parse_question(text)


@pytest.mark.parametrize(
    "text",
    [
        "はい。",
        "回答: はい。",
        "**回答**：はい。",
        "### 応答:\nはい。",
        "Answer: はい。",
        "【回答】\nはい。",
        " はい。\n",
    ],
)
def test_what_is_before_an_answer_is_cut(text: str) -> None:
    assert parse_answer(text) == "はい。"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" ", "empty"),
        ("回答：", "empty"),
        ("はい。\nユーザー: 本当ですか", "speaks for the user"),
        ("Yes.\n\nUser: Really?", "speaks for the user"),
        ("はい。\n### 指示:\n続けて", "speaks for the user"),
        ("はい。<|eot_id|>", "special tokens"),
        ("[INST] はい。", "special tokens"),
    ],
)
def test_these_are_no_answers(text: str, reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        parse_answer(text)


@given(st.text())
def test_a_parsed_question_is_parsed_to_nothing_less_than_text(text: str) -> None:
    try:
        question = parse_question(text)
    except Dropped:
        return
    assert question and question in text


def test_a_reply_can_be_taken_as_it_is() -> None:
    assert parse_verbatim("\n回答: はい。\nUser: a ") == "回答: はい。\nUser: a"
    for text, reason in ((" \n", "empty"), ("a<|im_end|>", "special tokens")):
        with pytest.raises(Dropped, match=reason):
            parse_verbatim(text)


def test_parts_are_read_in_the_order_of_their_names() -> None:
    text = "Of course!\n<plan>\n1. a\n</plan> <problem>b</problem>"
    assert parse_parts(text, ("problem", "plan")) == ("b", "1. a")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<a>1</a>",
        "<a>1</a><b></b>",
        "<a>1</a><b> </b>",
        "<a>1<b>2</b>",
        "<a>1</a><a>1</a><b>2</b>",
        "<A>1</A><b>2</b>",
    ],
)
def test_a_reply_without_every_part_is_dropped(text: str) -> None:
    with pytest.raises(Dropped, match="lacks a part"):
        parse_parts(text, ("a", "b"))


def test_an_object_has_exactly_its_fields() -> None:
    assert parse_object('```json\n{"b": 1, "a": [2]}\n```', ("a", "b")) == {"a": [2], "b": 1}
    with pytest.raises(Dropped, match="other fields"):
        parse_object('{"a": 1}', ("a", "b"))


@pytest.mark.parametrize("text", ["x = 1", "```python\nx = 1\n```", "```\nx = 1\n```", " \n```py\nx = 1\n```\n"])
def test_code_is_read_with_and_without_a_fence(text: str) -> None:
    assert parse_code(text) == "x = 1"


@pytest.mark.parametrize(
    "text",
    ["Here:\n```python\nx = 1\n```", "```python\nx = 1", "```\na\n```\n```\nb\n```", "```x = 1```", "```\na\n``` b"],
)
def test_code_with_words_beside_it_is_dropped(text: str) -> None:
    with pytest.raises(Dropped, match="not in one block"):
        parse_code(text)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("答え: 5", "5"),
        ("答え：５", "5"),
        ("**答え: 1,200円**", "1200円"),
        ("答えは: 5です。", "5"),
        ("Answer: $\\boxed{12}$", "12"),
        ("The final answer: 3/4.", "3/4"),
        ("Final Answer: Taro and  Hanako", "taroandhanako"),
        ("答え: 4\nもう一度考えると\n答え: 5", "5"),
        ("> 最終的な答え: 木曜日", "木曜日"),
        ("答え: (1, 2)", "(1,2)"),
        ("答え: 1,234,567", "1234567"),
        ("解答: 5人となります。", "5人"),
        ("答え: 「赤」", "赤"),
    ],
)
def test_equal_answers_have_one_form(text: str, answer: str) -> None:
    assert final_answer(text) == answer


@pytest.mark.parametrize(
    "text", ["", "5", "答えは5です。", "答え:", "この答え: 5", "Answers: 5", "An answer may be 5."]
)
def test_a_reply_that_names_no_answer_is_dropped(text: str) -> None:
    with pytest.raises(Dropped, match="no final answer"):
        final_answer(text)


def test_long_runs_of_white_space_take_no_long_time() -> None:
    begin = time.monotonic()
    for text in ("a" + "\n" * 100_000 + "b", "a" + " " * 100_000 + "b", "#" * 100_000, "a\n" + "*" * 100_000):
        for parse in (parse_question, parse_answer, final_answer):
            with contextlib.suppress(Dropped):
                parse(text)
    assert time.monotonic() - begin < 2
