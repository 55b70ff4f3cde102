import json
from typing import Literal

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Conversation
from tanuki_jax.corpus.synthesis.recipe import TEMPLATES, Dropped, Language
from tanuki_jax.corpus.synthesis.recipes.rag_qa import Level
from tanuki_jax.corpus.synthesis.recipes.short_answer import ShortAnswer, occurs
from tests.corpus.synthesis.recipes.passages_for_recipes import (
    LANGUAGES,
    PASSAGE,
    check_quotations,
    hostile_item,
    item_of,
)
from tests.corpus.synthesis.rehearsed_chain import rehearse

type Form = Literal["plain", "json"]
LEVELS: tuple[Level, ...] = ("basic", "medium", "hard")
FORMS: tuple[Form, ...] = ("plain", "json")
QUESTION = "渋みのもとになる成分は何ですか。"


def recipe(form: Form = "plain", level: Level = "basic") -> ShortAnswer:
    return ShortAnswer(least=5_000, most=5_000, form=form, levels=(level,))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("form", FORMS)
def test_a_hostile_page_gets_a_question_with_a_short_answer(form: Form, level: Level, language: Language) -> None:
    made, messages = rehearse(recipe(form, level), hostile_item(language))
    check_quotations(messages)
    assert isinstance(made.record, Conversation)
    question, answer = made.record.messages
    assert answer.content in PASSAGE[language] and len(answer.content) <= 40
    assert question.content.endswith(("か。", "？", "?"))
    assert (made.style, made.record.metadata["style"]) == (level, level)


def test_the_folder_has_no_template_that_is_not_used() -> None:
    names = {path.name for path in (TEMPLATES / "short_answer").iterdir()}
    assert names == {f"{name}.{one}.jinja" for name in ("levels", "question", "pair") for one in LANGUAGES}


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (f"質問：{QUESTION}\n答え：タンニン", "タンニン"),
        (f"質問: {QUESTION}\n答え: 「タンニン」。", "タンニン"),
        (f"以下に質問を作成しました。\n\n質問：{QUESTION}\n答え：タンニン", "タンニン"),
        (f"**質問：** {QUESTION}\n**答え：** タンニン", "タンニン"),
        (f"```\n質問：{QUESTION}\n答え：ﾀﾝﾆﾝ\n```", "ﾀﾝﾆﾝ"),
        (f"【問題】{QUESTION}\n【解答】タンニン", "タンニン"),
        (f"### 質問\n{QUESTION}\n\n### 答え\nタンニン", "タンニン"),
        (f"Q: {QUESTION}\nA: タンニン", "タンニン"),
        (f"1. 質問：{QUESTION}\n答え：タンニン\n", "タンニン"),
        (f"- 質問：{QUESTION}\n- 答え：『タンニン』", "タンニン"),
        ("質問：2023年の出荷量は何個でしたか。\n答え：１２０００個", "１２０００個"),
    ],
)
def test_odd_answers_are_read(answer: str, wanted: str) -> None:
    made, _ = rehearse(recipe(), item_of(PASSAGE["ja"]), answers=[answer])
    assert isinstance(made.record, Conversation)
    assert made.record.messages[1].content == wanted


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (f"質問：{QUESTION}\n答え：カテキン", "does not stand in the text"),
        ("質問：出荷量は何個でしたか。\n答え：2,00", "does not stand in the text"),
        ("質問：タンニンは何のもとですか。\n答え：タンニン", "stands in the question"),
        (f"質問：{QUESTION}\n答え：{'タンニン' * 11}", "too long"),
        (f"質問：{QUESTION}\n答え：タンニン\n渋みのもと", "too long"),
        (f"質問：{QUESTION}\n答え：「」", "empty"),
        (f"質問：{QUESTION}", "without an answer"),
        ("タンニン", "without a question"),
        (f"質問：{QUESTION}\n答え：タンニン\n質問：何ですか。\n答え：白い粉", "several questions"),
        ("質問：この文章で渋みのもとになる成分は何ですか。\n答え：タンニン", "refers to its text"),
        (f"答え：タンニン\n質問：{QUESTION}", "without an answer"),
    ],
)
def test_answers_that_cannot_be_checked_are_dropped(answer: str, reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        rehearse(recipe(), item_of(PASSAGE["ja"]), answers=[answer])


def test_a_number_in_json_is_an_answer() -> None:
    answer = json.dumps({"question": "作り手は平均で何歳ですか。", "answer": 71})
    made, _ = rehearse(recipe("json"), item_of(PASSAGE["ja"]), answers=[answer])
    assert isinstance(made.record, Conversation)
    assert made.record.messages[1].content == "71"


@pytest.mark.parametrize(
    ("answer", "text", "wanted"),
    [
        ("12000", "12,000個", True),
        ("１２，０００", "12000個", True),
        ("2,000", "12,000個", False),
        ("12", "12,000個", False),
        ("3", "3.5メートル", False),
        ("3.5", "約３．５メートル", True),
        ("5", "3.5メートル", False),
        ("age", "the average of it", False),
        ("Average", "the average of it", True),
        ("white  powder", "a white\npowder", True),
        ("白い粉", "白 い粉", True),
        ("猫", "犬", False),
        ("a", "aa", False),
        ("Ms. Mori", "by Ms. Morishita", False),
    ],
)
def test_an_answer_occurs_whatever_its_width_and_spaces(answer: str, text: str, wanted: bool) -> None:
    assert occurs(answer, text) is wanted


def test_a_seed_decides_the_level_and_the_slice() -> None:
    item = item_of(PASSAGE["ja"] * 8)
    recipe = ShortAnswer(least=600)
    assert rehearse(recipe, item, seed=5) == rehearse(recipe, item, seed=5)
    assert {rehearse(recipe, item, seed=seed)[0].style for seed in range(30)} == set(LEVELS)


def test_no_levels_are_refused() -> None:
    with pytest.raises(InputError, match=r"short_answer\.levels"):
        ShortAnswer(levels=())
