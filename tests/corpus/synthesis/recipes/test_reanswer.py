import pytest

from tanuki_jax.corpus.records.types import Conversation, Message
from tanuki_jax.corpus.synthesis.recipe import Dropped, Language
from tanuki_jax.corpus.synthesis.recipes.reanswer import Reanswer
from tests.corpus.synthesis.conversations import item
from tests.corpus.synthesis.hostile_texts import HOSTILE, check_quotations
from tests.corpus.synthesis.rehearsed_chain import rehearse

LANGUAGES: tuple[Language, ...] = ("ja", "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_question_gets_a_new_answer(language: Language) -> None:
    given = item("日本で一番の山は？", "富士山", "では二番目は？", "北岳", system="短く。")
    made, rendered = rehearse(Reanswer(language=language), given)
    assert isinstance(made.record, Conversation)
    assert made.record.messages[0] == Message("user", "日本で一番の山は？")
    assert "3,776" in made.record.messages[1].content and len(made.record.messages) == 2
    assert (made.record.id, made.record.metadata["parents"]) == ("key", ["parent"])
    prompt = str(rendered)
    assert "日本で一番の山は？" in prompt and str(made.style) in prompt
    assert "北岳" not in prompt and "短く。" not in prompt


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_texts_stay_in_their_quotation(language: Language) -> None:
    assert check_quotations(Reanswer(language=language), item(HOSTILE, HOSTILE)) == {
        f"reanswer/answer.{language}.jinja"
    }


def test_choices_depend_on_the_key_and_the_seed_alone() -> None:
    assert rehearse(Reanswer(), item("Why?"), 4) == rehearse(Reanswer(), item("Why?"), 4)
    assert len({rehearse(Reanswer(), item("Why?"), seed)[0].style for seed in range(40)}) > 3


@pytest.mark.parametrize("answer", ["Because.", " Because.\n", "Answer: Because.", "**回答:** Because."])
def test_the_old_answer_is_no_new_one(answer: str) -> None:
    with pytest.raises(Dropped, match="the old one"):
        rehearse(Reanswer(), item("Why?", "Because."), 0, [answer])


@pytest.mark.parametrize("texts", [(), (" ",)])
def test_a_conversation_without_question_is_dropped(texts: tuple[str, ...]) -> None:
    with pytest.raises(Dropped, match="no question"):
        rehearse(Reanswer(), item(*texts))
