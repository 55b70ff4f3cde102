import pytest

from tanuki_jax.corpus.records.types import Conversation
from tanuki_jax.corpus.synthesis.recipe import Dropped, Item, Language
from tanuki_jax.corpus.synthesis.recipes.magpie import Magpie
from tests.corpus.synthesis.hostile_texts import check_quotations
from tests.corpus.synthesis.rehearsed_chain import rehearse

LANGUAGES: tuple[Language, ...] = ("ja", "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_teacher_writes_both_turns(language: Language) -> None:
    made, rendered = rehearse(Magpie(language=language), Item("a"))
    assert isinstance(made.record, Conversation)
    assert [message.role for message in made.record.messages] == ["user", "assistant"]
    as_user, as_assistant = (str(messages) for messages in rendered)
    assert str(made.record.metadata["purpose"]) in as_user and str(made.record.metadata["persona"]) in as_user
    assert str(made.record.metadata["persona"]) not in as_assistant
    assert rendered[0][0]["role"] == "system"
    assert made.record.messages[0].content in str(rendered[1][-1]["content"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_texts_stay_in_their_quotation(language: Language) -> None:
    templates = check_quotations(Magpie(language=language), Item("a"))
    assert templates == {f"magpie/message.{language}.jinja", f"instruct/answer.{language}.jinja"}


def test_choices_depend_on_the_key_and_the_seed_alone() -> None:
    first, again, other = (rehearse(Magpie(), Item("a"), seed)[0] for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(
    ("reply", "question"),
    [
        ("Help!", "Help!"),
        ("User: Help!", "Help!"),
        ("ユーザー：助けて", "助けて"),
        ("<user>\nHelp!\n</user>", "Help!"),
        ("「助けて」", "助けて"),
        ("**Message:** Help!", "Help!"),
    ],
)
def test_the_message_is_what_is_inside_its_label(reply: str, question: str) -> None:
    assert rehearse(Magpie(), Item("a"), 0, [reply])[0].written.startswith(f"{question}\n\n")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("User:", "empty"),
        ("Help!\nAssistant: Of course.", "comes with an answer"),
        ("助けて\nアシスタント: はい", "comes with an answer"),
        ("Help!<|eot_id|>", "special tokens"),
        ("<start_of_turn>Help!", "special tokens"),
    ],
)
def test_other_replies_are_dropped(reply: str, reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        rehearse(Magpie(), Item("a"), 0, [reply])
