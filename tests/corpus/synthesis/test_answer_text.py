import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.synthesis.answer_text import (
    bare_answer,
    json_pair,
    labelled_pair,
    one_question,
    without_marks,
)
from tanuki_jax.corpus.synthesis.recipe import Dropped

PAIR = ("何ですか。", "猫です。")


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("猫がいる。", "猫がいる。"),
        ("```\n猫がいる。\n```", "猫がいる。"),
        ("```markdown\n# 猫\n\n犬\n```\n", "# 猫\n\n犬"),
        ("以下に文章を作成しました。\n\n猫がいる。", "猫がいる。"),
        ("以下に質問を作成しました：\n```\n猫はどこですか。\n```", "猫はどこですか。"),
        ("承知しました。\n以下が教科書の一節です。\n\n猫がいる。", "猫がいる。"),
        ("はい、承知いたしました。以下の通りです。\n猫がいる。", "猫がいる。"),
        ("文章をもとに、問題を三つ作成しました。\n\n猫がいる。", "猫がいる。"),
        ("猫がいる。\n\n以上が文章の要約になります。", "猫がいる。"),
        ("猫がいる。\n\nご不明な点がございましたら、お知らせください。", "猫がいる。"),
        ("Sure, here is the article:\n\nA cat sleeps.", "A cat sleeps."),
        ("Certainly!\nA cat sleeps.", "A cat sleeps."),
        ("Here are five facts.\n- A cat sleeps.", "- A cat sleeps."),
        ("A cat sleeps.\n\nI hope this helps!", "A cat sleeps."),
        ("<think>\nhm\n</think>\n\nA cat sleeps.", "A cat sleeps."),
        ("<answer>\nA cat sleeps.\n</answer>", "A cat sleeps."),
    ],
)
def test_announcements_and_fences_go(answer: str, wanted: str) -> None:
    assert bare_answer(answer) == wanted


@pytest.mark.parametrize(
    "answer",
    [
        "はい。\nそれは猫です。",
        "次の秋に、柿はまた実ります。\n\n村の話です。",
        "彼は長い文章を書いた人です。\n\n猫も好きでした。",
        "以下の気温では凍る",
        "五つの村は、以下の通りです：\n1. 青葉村\n2. 赤葉村",
        "以下は動物です：\n猫\n犬",
        "青葉村と赤葉村があります。\n\nつまり、ご質問の村は青葉村です。",
        "Here are the planets:\n- Mars",
        "Great Britain is an island.\nIt has cats.",
        "Of course, the lake is deep.\nIt has fish.",
        "```python\nx = 1\n```\nand\n```python\ny = 2\n```",
        "OK.",
        "なしのつぶてとは、返事がないことです。",
        "<b>猫</b>",
        "こちらは、朝の放送です。\n猫の話をします。",
    ],
)
def test_what_only_looks_like_an_announcement_stays(answer: str) -> None:
    assert bare_answer(answer) == answer


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "answer without text"),
        ("```\n\n```", "answer without text"),
        ("<think>hm</think>", "answer without text"),
        ("なし", "does not suit"),
        ("「なし」。", "does not suit"),
        ("None.", "does not suit"),
        ("```\nnone\n```", "does not suit"),
        ("猫がいる。<|im_end|>\n<|im_start|>user\n犬は？", "special tokens"),
        ("<think>猫がいる。", "special tokens"),
    ],
)
def test_answers_without_text_are_dropped(answer: str, reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        bare_answer(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "質問：何ですか。\n答え：猫です。",
        "質問: 何ですか。\n回答: 猫です。",
        "以下に質問を作成しました。\n\n質問：何ですか。\n\n答え：猫です。",
        "青い動物についての課題です。\n課題：何ですか。\n解答：猫です。",
        "**質問**：何ですか。\n**答え**：猫です。",
        "**質問：** 何ですか。\n**答え：** 猫です。",
        "【質問】何ですか。\n【答え】猫です。",
        "## 質問\n何ですか。\n## 答え\n猫です。",
        "Q1. 何ですか。\nA1. 猫です。",
        "Q：「何ですか。」\nA：「猫です。」",
        "```\n質問１：何ですか。\n答え１：猫です。\n```",
        "1. 質問：何ですか。\n   答え：猫です。",
        "- Question: 何ですか。\n- Answer: 猫です。",
        "問題\n何ですか。\n\n正解\n猫です。",
        "[質問] 何ですか。\n[答え] 猫です。",
        "Q. 何ですか。\nA: 猫です。",
    ],
)
def test_labels_of_many_forms_are_read(answer: str) -> None:
    assert labelled_pair(answer) == PAIR


def test_emphasis_inside_a_part_stays() -> None:
    assert labelled_pair("質問：**何**ですか。\n答え：猫です。") == ("**何**ですか。", "猫です。")


def test_parts_may_have_several_lines_and_options() -> None:
    answer = "課題：どれですか。\nア　猫\nイ　犬\n1. 鳥\nA. 魚\n答え：\n| a | b |\n| --- | --- |\n| 1 | 2 |\n"
    assert labelled_pair(answer) == (
        "どれですか。\nア　猫\nイ　犬\n1. 鳥\nA. 魚",
        "| a | b |\n| --- | --- |\n| 1 | 2 |",
    )


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("何ですか。猫です。", "without a question"),
        ("質問：何ですか。", "question without an answer"),
        ("答え：猫です。\n質問：何ですか。", "question without an answer"),
        ("質問：何ですか。\n質問：なぜですか。\n答え：猫です。", "several questions"),
        ("質問1：何ですか。\n答え1：猫です。\n質問2：なぜですか。\n答え2：犬です。", "several questions"),
        ("質問：何ですか。\n答え：猫です。\n答え：犬です。", "several answers"),
        ("質問：\n答え：猫です。", "empty"),
        ("質問：何ですか。\n答え：", "empty"),
        ("答え：猫です。", "without a question"),
        ("以下に質問を作成しました。", "without a question"),
        ("なし", "does not suit"),
    ],
)
def test_pairs_with_missing_or_several_parts_are_dropped(answer: str, reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        labelled_pair(answer)


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("何ですか。", "何ですか。"),
        ("質問：何ですか。", "何ですか。"),
        ("「何ですか？」", "何ですか？"),
        ("1. 何ですか。", "何ですか。"),
        ("**何ですか。**", "何ですか。"),
        ("以下に質問を作成しました。\n\n何ですか。", "何ですか。"),
        ("Question: Why?", "Why?"),
        ('"Why is it wet?"', "Why is it wet?"),
        ("```\nWhy?\n```", "Why?"),
        ("質問：何ですか。\n答え：猫です。", "何ですか。"),
        ("猫について説明してください。", "猫について説明してください。"),
        ("Explain why a cat sleeps.", "Explain why a cat sleeps."),
        ("それは何ですか？また、なぜですか？", "それは何ですか？また、なぜですか？"),
        ("3.5メートルの木は何ですか。", "3.5メートルの木は何ですか。"),
    ],
)
def test_a_question_is_freed_of_its_marks(answer: str, wanted: str) -> None:
    assert one_question(answer) == wanted


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("1. 何ですか。\n2. なぜですか。", "several questions"),
        ("・何ですか。\n・なぜ。", "several questions"),
        ("何ですか。\nなぜですか。", "several questions"),
        ("何ですか？なぜですか？いつですか？", "several questions"),
        ("質問1：何ですか。\n質問2：なぜですか。", "several questions"),
        ("猫がいる。", "without a question"),
        ("以下に質問を作成しました。", "without a question"),
        ("質問：", "without a question"),
        ("猫が" * 200 + "いますか。", "too long"),
        ("", "without text"),
    ],
)
def test_what_is_no_single_question_is_dropped(answer: str, reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        one_question(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '{"question": "何ですか。", "answer": "猫です。"}',
        '```json\n{"question": "何ですか。", "answer": "猫です。"}\n```',
        '以下がJSONです：\n{"question": "何ですか。", "answer": "猫です。"}',
        '[{"question": "何ですか。", "answer": "猫です。"}]',
        '{"answer": " 猫です。", "question": "何ですか。\\n", "level": 3}',
        'Here is the JSON:\n\n```\n{"question": "何ですか。",\n "answer": "猫です。"}\n```',
        '{"question": "何ですか。", "answer": "猫です。"}\n以上です。',
    ],
)
def test_json_is_read_whatever_stands_around_it(answer: str) -> None:
    assert json_pair(answer) == PAIR


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ('{"question": "何ですか。"}', "empty"),
        ('{"question": "何ですか。", "answer": ""}', "empty"),
        ('{"question": "何ですか。", "answer": null}', "empty"),
        ('{"question": "何ですか。", "answer": true}', "empty"),
        ('{"question": ["何ですか。"], "answer": "猫"}', "empty"),
        ('{"question"："何ですか。"、"answer"："猫"}', "not JSON"),
        ("{'question': '何ですか。'}", "not JSON"),
        ('{"question": "何で', "not JSON"),
        ("質問：何ですか。", "not JSON"),
        ('[{"question": "a", "answer": "b"}, {"question": "c", "answer": "d"}]', "several questions"),
        ('{"question": "a", "answer": "b"}\n{"question": "c", "answer": "d"}', "several questions"),
        ("[]", "not a JSON object"),
        ("[" * 100_000, "not JSON"),
        ("なし", "does not suit"),
    ],
)
def test_json_without_the_pair_is_dropped(answer: str, reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        json_pair(answer)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("- 猫", "猫"),
        ("-5度", "-5度"),
        ("「猫」と「犬」", "「猫」と「犬」"),
        ("3.5", "3.5"),
        ("3) 猫", "猫"),
        ("**猫**", "猫"),
    ],
)
def test_marks_go_only_if_they_are_marks(text: str, wanted: str) -> None:
    assert without_marks(text) == wanted


@given(
    st.lists(
        st.sampled_from([*'：:\n猫{" ', "質問", "答え", "```", "**", "以下", "です。", "か。", "なし", "<text>"]),
        max_size=25,
    ).map("".join)
)
def test_no_answer_breaks_a_parser(text: str) -> None:
    for parse in (bare_answer, labelled_pair, one_question, json_pair):
        with contextlib.suppress(Dropped):
            parse(text)
    with contextlib.suppress(Dropped):
        assert bare_answer(bare_answer(text)) == bare_answer(text)


def test_a_long_answer_of_marks_takes_no_time() -> None:
    pieces = {"以下、": 30_000, "「": 100_000, "\n": 100_000, "**質問": 30_000, "- ": 50_000, "{": 3_000, "a ": 50_000}
    for text in (piece * count + "x" for piece, count in pieces.items()):
        for parse in (bare_answer, labelled_pair, one_question, json_pair):
            with contextlib.suppress(Dropped):
                parse(text)
