import pytest

from tanuki_jax.corpus.records.types import Conversation
from tanuki_jax.corpus.synthesis.recipe import Dropped, Language
from tanuki_jax.corpus.synthesis.recipes.similar import Similar
from tests.corpus.synthesis.conversations import item
from tests.corpus.synthesis.hostile_texts import HOSTILE, check_quotations
from tests.corpus.synthesis.rehearsed_chain import rehearse

LANGUAGES: tuple[Language, ...] = ("ja", "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_similar_question_is_answered(language: Language) -> None:
    made, rendered = rehearse(Similar(language=language), item("登山の水の量は？", "三リットル"))
    assert isinstance(made.record, Conversation)
    question, answer = (message.content for message in made.record.messages)
    first, second = (str(messages[-1]["content"]) for messages in rendered)
    assert "登山の水の量は？" in first and "三リットル" not in first
    assert str(made.record.metadata["similarity"]) in first
    assert question in second and "登山の水の量は？" not in second
    assert made.record.metadata["parents"] == ["parent"]
    assert made.written == f"{question}\n\n{answer}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_texts_stay_in_their_quotation(language: Language) -> None:
    templates = check_quotations(Similar(language=language), item(HOSTILE))
    assert templates == {f"similar/question.{language}.jinja", f"instruct/answer.{language}.jinja"}


def test_choices_depend_on_the_key_and_the_seed_alone() -> None:
    assert rehearse(Similar(), item("Why?"), 4) == rehearse(Similar(), item("Why?"), 4)
    kinds = {str(rehearse(Similar(), item("Why?"), seed)[0].record.metadata["similarity"]) for seed in range(40)}
    assert len(kinds) > 3


@pytest.mark.parametrize(
    "question",
    ["Why is it so?", "why is it so", "Question: Why is it so?", "Ｗｈｙ　ｉｓ ｉｔ ｓｏ？", '"Why is it so?"'],
)
def test_the_given_question_is_no_similar_one(question: str) -> None:
    with pytest.raises(Dropped, match="the given one"):
        rehearse(Similar(), item("Why is it so?"), 0, [question])


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("質問:", "empty"),
        ("Where?\nAnswer: there", "comes with an answer"),
        ("Where?</s>", "special tokens"),
        ("<|im_start|>Where?", "special tokens"),
        ("「」", "empty"),
    ],
)
def test_other_replies_are_dropped(reply: str, reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        rehearse(Similar(), item("Why?"), 0, [reply])


def test_a_question_with_other_numbers_is_another_one() -> None:
    made, _ = rehearse(Similar(), item("3 + 4は？"), 0, ["3 + 5は？"])
    assert made.written.startswith("3 + 5は？")
