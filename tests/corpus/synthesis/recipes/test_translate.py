from dataclasses import replace

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Conversation, Document
from tanuki_jax.corpus.synthesis.recipe import Dropped, Language
from tanuki_jax.corpus.synthesis.recipes.translate import REQUESTS, Translate, translation_in
from tests.corpus.synthesis.recipes.passages_for_recipes import (
    LANGUAGES,
    PASSAGE,
    check_quotations,
    hostile_item,
    item_of,
)
from tests.corpus.synthesis.rehearsed_chain import rehearse

WHOLE = Translate(least=5_000, most=5_000)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_hostile_page_is_translated_into_the_other_language(language: Language) -> None:
    made, messages = rehearse(WHOLE, hostile_item(language))
    check_quotations(messages)
    assert made.written == PASSAGE["en" if language == "ja" else "ja"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_document_has_japanese_and_then_english(language: Language) -> None:
    made, _ = rehearse(WHOLE, item_of(PASSAGE[language]))
    assert isinstance(made.record, Document)
    assert made.record.text == f"{PASSAGE['ja']}\n{PASSAGE['en']}"
    assert made.sources == (PASSAGE[language],)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_conversation_asks_for_the_translation(language: Language) -> None:
    made, _ = rehearse(replace(WHOLE, form="conversation"), item_of(PASSAGE[language]))
    assert isinstance(made.record, Conversation)
    user, assistant = made.record.messages
    assert PASSAGE[language] in user.content and len(user.content) > len(PASSAGE[language])
    assert assistant.content == PASSAGE["en" if language == "ja" else "ja"]


def test_every_request_of_a_user_has_the_text_once() -> None:
    requests = [request for requests in REQUESTS.values() for request in requests]
    assert [request for request in requests if request.count("{text}") != 1] == []
    assert all(request.format(text="{0} {x}").count("{0} {x}") == 1 for request in requests)


def test_a_document_of_the_wanted_language_is_dropped() -> None:
    with pytest.raises(Dropped, match="in the language of the translation"):
        rehearse(replace(WHOLE, into="ja"), item_of(PASSAGE["ja"]))
    assert rehearse(replace(WHOLE, into="ja"), item_of(PASSAGE["en"]))[0].style == "ja"


def test_the_language_is_an_option_of_its_own() -> None:
    with pytest.raises(InputError, match=r"translate\.into"):
        Translate(language="ja")


@pytest.mark.parametrize(
    ("answer", "into", "wanted"),
    [
        ("猫がいる。", "ja", "猫がいる。"),
        ("以下に翻訳します。\n\n猫がいる。\n犬もいる。", "ja", "猫がいる。\n犬もいる。"),
        ("```\n猫がいる。\n```", "ja", "猫がいる。"),
        ("```text\n猫がいる。", "ja", "```text\n猫がいる。"),
        ("<text>\n猫がいる。\n</text>", "ja", "猫がいる。"),
        ("<text-2>猫がいる。</text-2>", "ja", "猫がいる。"),
        ("翻訳しました：\n猫がいる。", "ja", "翻訳しました：\n猫がいる。"),
        ("訳文を作成しました：\n猫がいる。", "ja", "猫がいる。"),
        ("Here is the translation:\n\nThe cat is on the table.", "en", "The cat is on the table."),
        ("Sure! Here's the English text:\nThe cat is there.", "en", "The cat is there."),
        ("The cat (猫) is on the table, and it is asleep.", "en", "The cat (猫) is on the table, and it is asleep."),
        ("The cat is here.\n\nLet me know if you need more.", "en", "The cat is here."),
        ("<think>Hm.</think>\nThe cat is here.", "en", "The cat is here."),
    ],
)
def test_odd_answers_become_bare_translations(answer: str, into: Language, wanted: str) -> None:
    assert translation_in(answer, into) == wanted


@pytest.mark.parametrize(
    ("answer", "into"),
    [
        ("The cat is on the table and it was there all day with us.", "ja"),
        ("猫が机の上で寝ている。", "en"),
        ("桌子上有一只猫，它在睡觉。", "ja"),
        ("Le chat est sur la table et il dort dans les fleurs avec une souris.", "en"),
        ("```\n```", "ja"),
        ("None", "en"),
    ],
)
def test_answers_in_another_language_are_dropped(answer: str, into: Language) -> None:
    with pytest.raises(Dropped):
        translation_in(answer, into)
