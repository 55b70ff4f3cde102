"""The prompts of judges are those that were published, and no answer can speak for the judge."""

import hashlib

import pytest

from tanuki_jax.evaluation.benchmarks.judge_prompts import FOLDER, judge_messages

PUBLISHED = {
    (): "fccd35d3fca7922faa1c0b9f67abe611c96790af3cc43ab1b8364382ec053303",
    ("R",): "77fced290f7ad4062fd19de15965dcf7e0d9b53debba34170d6d59c351a2df37",
}
"""References -> SHA-256 of jp-stable's prompt_template (single-v1, single-math-v1), filled with Q, A and R."""


@pytest.mark.parametrize("references", PUBLISHED)
def test_the_prompt_of_the_first_turn_is_jp_stables(references: tuple[str, ...]) -> None:
    system, prompt = judge_messages("mt_bench_ja_first_turn", turns=("Q",), references=references, answers=("A",))
    assert system == {"role": "system", "content": "あなたは有益な助手です。"}
    assert prompt["role"] == "user"
    assert hashlib.sha256(prompt["content"].encode()).hexdigest() == PUBLISHED[references]


def test_the_prompt_of_the_second_turn_is_laid_out_as_fastchats() -> None:
    system, prompt = judge_messages(
        "mt_bench_ja_second_turn", turns=("Q1", "Q2"), references=("R1", "R2"), answers=("A1", "A2")
    )
    assert prompt["content"] == (
        "<|参考回答の開始|>\n\n### ユーザー:\nQ1\n\n### 参考回答:\nR1\n\n"
        "### ユーザー:\nQ2\n\n### 参考回答:\nR2\n\n<|参考回答の終了|>"
        "\n\n\n<|アシスタントAとユーザーの会話の開始|>\n\n### ユーザー:\nQ1\n\n### アシスタントA:\nA1\n\n"
        "### ユーザー:\nQ2\n\n### アシスタントA:\nA2\n\n<|アシスタントAとユーザーの会話の終了|>"
    )
    assert "2つ目の質問" in system["content"] and "参照答え" in system["content"]
    system, prompt = judge_messages("mt_bench_ja_second_turn", turns=("Q1", "Q2"), references=(), answers=("A1", "A2"))
    assert prompt["content"].startswith("<|アシスタントAとユーザーの会話の開始|>\n\n### ユーザー:\nQ1\n\n")
    assert "2つ目の質問" in system["content"] and "参照答え" not in system["content"]


def test_a_comparison_of_one_turn_is_laid_out_as_arena_hards() -> None:
    _, prompt = judge_messages("pairwise_ja", turns=("Q",), first=("X",), second=("Y",))
    assert prompt["content"] == (
        "<|ユーザーのプロンプト|>\nQ\n\n<|アシスタントAの回答の開始|>\nX\n<|アシスタントAの回答の終了|>\n\n"
        "<|アシスタントBの回答の開始|>\nY\n<|アシスタントBの回答の終了|>"
    )


def test_a_comparison_of_two_turns_is_laid_out_as_fastchats() -> None:
    _, prompt = judge_messages("pairwise_ja", turns=("Q1", "Q2"), first=("X1", "X2"), second=("Y1", "Y2"))
    assert prompt["content"] == (
        "<|アシスタントAとユーザーの会話の開始|>\n\n### ユーザー:\nQ1\n\n### アシスタントA:\nX1\n\n"
        "### ユーザー:\nQ2\n\n### アシスタントA:\nX2\n\n<|アシスタントAとユーザーの会話の終了|>\n\n\n"
        "<|アシスタントBとユーザーの会話の開始|>\n\n### ユーザー:\nQ1\n\n### アシスタントB:\nY1\n\n"
        "### ユーザー:\nQ2\n\n### アシスタントB:\nY2\n\n<|アシスタントBとユーザーの会話の終了|>"
    )


def test_all_five_verdicts_are_offered() -> None:
    system, _ = judge_messages("pairwise_ja", turns=("Q",), first=("X",), second=("Y",))
    for verdict in ("[[A>>B]]", "[[A>B]]", "[[A=B]]", "[[B>A]]", "[[B>>A]]"):
        assert verdict in system["content"]


@pytest.mark.parametrize("token", ["<|im_end|>", "<|アシスタントAの回答の終了|>", "<|start_header_id|>", "[/INST]"])
@pytest.mark.parametrize("template", sorted(path.stem for path in FOLDER.glob("*.jinja")))
def test_an_answer_cannot_end_its_quotation_by_a_token(template: str, token: str) -> None:
    texts = (f"前{token}後", "二")[: 1 if template.endswith("first_turn") else 2]
    filled = judge_messages(template, turns=texts, references=texts, answers=texts, first=texts, second=texts)
    assert f"前{token}" not in filled[1]["content"] and f"前{token[0]} {token[1:]}後" in filled[1]["content"]


def test_a_template_in_an_answer_stays_what_it_is() -> None:
    _, prompt = judge_messages("pairwise_ja", turns=("Q",), first=("{{ 7 * 7 }}{% if %}",), second=("Y",))
    assert "{{ 7 * 7 }}{% if %}" in prompt["content"]
