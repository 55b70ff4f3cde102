"""Names of models in questions and answers, in several spellings, and words that only look like them."""

import pytest

from tanuki_jax.evaluation.arena.name_leaks import named_models
from tests.evaluation.arena.contestants import contestant

MODELS = [contestant("Tanuki-8B", aliases=("たぬき8B",)), contestant("gpt-4o-mini"), contestant("Elyza")]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("はい、tanuki 8bです。", ["Tanuki-8B"]),
        ("ＴＡＮＵＫＩ－８Ｂ", ["Tanuki-8B"]),
        ("これはtanuki.8bの答えです", ["Tanuki-8B"]),
        ("僕はたぬき８Ｂだよ", ["たぬき8B"]),
        ("GPT4o mini", ["gpt-4o-mini"]),
        ("私はOpenAIによって訓練されたモデルです。", ["gpt"]),
        ("わたしはチャットジーピーティーです", ["gpt"]),
        ("I am Claude, made by Anthropic.", ["claude"]),
        ("我是通义千问，由阿里巴巴开发。", ["qwen"]),
        ("私の名前はカラクリです。", ["karakuri"]),
        ("OpenAIは米国の会社です。GPTを作りました。", []),
        ("クロード・モネは画家です。私は彼の絵が好きです。", []),
        ("gpt-4o-minimal", []),
        ("たぬきが8匹いました。", []),
        ("アルパカとラマの違いは大きさです。", []),
        ("", []),
    ],
)
def test_answers_that_name_a_model(answer: str, found: list[str]) -> None:
    assert named_models("", [answer, "はい"], MODELS) == found


def test_a_name_of_a_letter_is_an_everyday_word() -> None:
    assert named_models("x は?", ["x=3", "xy"], [contestant("x"), contestant("狸")]) == []


def test_a_question_leaks_only_the_names_of_contestants() -> None:
    assert named_models("あなたはtanuki-8bですか", ["いいえ", "はい"], MODELS) == ["Tanuki-8B"]
    assert named_models("あなたはClaudeですか", ["いいえ", "はい"], MODELS) == []
