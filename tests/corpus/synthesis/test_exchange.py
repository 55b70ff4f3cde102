from random import Random

import pytest

from tanuki_jax.corpus.records.types import Conversation, Message
from tanuki_jax.corpus.synthesis.exchange import (
    ask_answer,
    ask_question,
    draw_style,
    first_exchange,
    last_exchange,
    made_conversation,
    named,
)
from tanuki_jax.corpus.synthesis.recipe import Dropped, Item, Reply, Sampling
from tanuki_jax.corpus.synthesis.themes import draw_theme

SAMPLING = Sampling(temperature=0.5)


def conversation(*turns: tuple[str, str]) -> Conversation:
    return Conversation("c", tuple(Message(*turn) for turn in turns))


def test_a_question_is_asked_for_by_its_theme() -> None:
    theme = draw_theme(Random(0), "en", genres=1, unit_share=0, persona_share=1)
    asked = ask_question(theme, "en", SAMPLING)
    ask = next(asked)
    assert (ask.template, ask.sampling) == ("instruct/question.en.jinja", SAMPLING)
    assert ask.values == theme.values
    with pytest.raises(StopIteration) as stop:
        asked.send(Reply(("Question: Why is it cold?",)))
    assert stop.value.value == "Why is it cold?"


def test_an_answer_is_asked_for_in_a_style() -> None:
    asked = ask_answer("Why?", "short", "en", SAMPLING)
    assert next(asked).values == {"question": "Why?", "style": "short"}
    with pytest.raises(Dropped, match="speaks for the user"):
        asked.send(Reply(("Because.\nUser: Really?",)))


def test_styles_are_of_the_language() -> None:
    assert draw_style(Random(0), "en").isascii()
    assert not draw_style(Random(0), "ja").isascii()


def test_the_first_exchange_is_read() -> None:
    turns = (("system", "Be kind."), ("user", " Why? "), ("assistant", "Because."), ("user", "How?"))
    assert first_exchange(conversation(*turns)) == ("Why?", "Because.")
    assert first_exchange(conversation(*turns[:2])) == ("Why?", "")


@pytest.mark.parametrize("turns", [(), (("system", "a"),), (("assistant", "a"), ("user", "b")), (("user", " "),)])
def test_a_conversation_without_question_is_dropped(turns: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(Dropped, match="no question"):
        first_exchange(conversation(*turns))


def test_the_last_exchange_is_read_with_what_came_before() -> None:
    turns = (("system", "s"), ("user", "a"), ("assistant", "b"), ("user", " c "), ("assistant", "d"))
    assert last_exchange(conversation(*turns)) == (turns[:3], "c", "d")
    assert last_exchange(conversation(("user", "a"), ("assistant", "b"))) == ((), "a", "b")


@pytest.mark.parametrize("roles", [(), ("user",), ("assistant",), ("user", "assistant", "user"), ("user", "tool")])
def test_a_conversation_without_a_last_exchange_is_dropped(roles: tuple[str, ...]) -> None:
    with pytest.raises(Dropped, match="does not end with question and answer"):
        last_exchange(conversation(*((role, "a") for role in roles)))


def test_a_conversation_with_tools_is_dropped() -> None:
    turns = (Message("user", "a"), Message("assistant", "b"))
    with pytest.raises(Dropped, match="uses tools"):
        last_exchange(Conversation("c", turns, tools=({"type": "function"},)))
    called = Message("assistant", "", fields={"role": "assistant", "tool_calls": [{"id": "1"}]})
    with pytest.raises(Dropped, match="uses tools"):
        last_exchange(Conversation("c", (called, *turns)))


def test_turns_are_named_by_their_speakers() -> None:
    assert named(["a", "b", "c"]) == (("user", "a"), ("assistant", "b"), ("user", "c"))


def test_turns_become_a_record_with_its_parent() -> None:
    item = Item("k", record=conversation(("user", "a")))
    made = made_conversation(item, ["q", "a"], recipe="r", style="s", language="en", choices={"task": "t"})
    assert made.record == Conversation(
        "k",
        (Message("user", "q"), Message("assistant", "a")),
        {"recipe": "r", "style": "s", "language": "en", "task": "t", "parents": ["c"]},
    )
    assert (made.written, made.style) == ("q\n\na", "s")
    assert (
        "parents"
        not in made_conversation(
            Item("k"), ["q", "a"], recipe="r", style="s", language="en", choices={}
        ).record.metadata
    )
