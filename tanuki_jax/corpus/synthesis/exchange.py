"""A question and its answer, which several recipes begin with, and the record that turns become."""

from collections.abc import Generator, Mapping, Sequence
from random import Random

from tanuki_jax.corpus.records.types import Conversation, Message, Record
from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.recipe import Ask, Dropped, Item, Language, Reply, Sampling
from tanuki_jax.corpus.synthesis.replies import parse_answer, parse_question
from tanuki_jax.corpus.synthesis.themes import Theme
from tanuki_jax.corpus.synthesis.word_lists import draw

QUESTIONS = Sampling(temperature=1.0, top_p=0.95, max_tokens=1_024)
"""Settings for questions, which should differ from each other."""
ANSWERS = Sampling(temperature=0.3)
"""Settings for answers, which should be right."""

SPEAKERS = ("user", "assistant")

type Turns = tuple[tuple[str, str], ...]
"""Turns of a conversation: speaker and text."""
type Asked = Generator[Ask, Reply, str]
"""Requests that end in a text."""


def ask_question(theme: Theme, language: Language, sampling: Sampling) -> Asked:
    """Return a question on a theme, which the teacher invents."""
    reply = yield Ask(template=f"instruct/question.{language}.jinja", values=theme.values, sampling=sampling)
    return parse_question(reply.text)


def ask_answer(question: str, style: str, language: Language, sampling: Sampling) -> Asked:
    """Return the teacher's answer to a question.

    Args:
        question: message of a user, of any origin.
        style: style of the answer, in the words of the list `answer_styles`.
        language: language of the answer.
        sampling: settings of the request.
    """
    values = {"question": question, "style": style}
    reply = yield Ask(template=f"instruct/answer.{language}.jinja", values=values, sampling=sampling)
    return parse_answer(reply.text)


def draw_style(random: Random, language: Language) -> str:
    """Return a style of answers at random."""
    return draw(random, "answer_styles", language)


def first_exchange(record: Record | None) -> tuple[str, str]:
    """Return the first message of the user in a conversation, and the assistant's answer to it; empty: it has none.

    Raises:
        Dropped: the user says nothing in it.
    """
    assert isinstance(record, Conversation)
    turns = [message for message in record.messages if message.role != "system"]
    if not turns or turns[0].role != "user" or not turns[0].content.strip():
        raise Dropped("the conversation has no question")
    answered = len(turns) > 1 and turns[1].role == "assistant"
    return turns[0].content.strip(), turns[1].content.strip() if answered else ""


def last_exchange(record: Record | None) -> tuple[Turns, str, str]:
    """Return a conversation as the turns before its last question, the question, and the assistant's answer.

    Raises:
        Dropped: it does not end with a question of the user and the assistant's answer, or uses tools.
    """
    assert isinstance(record, Conversation)
    roles = [message.role for message in record.messages]
    if roles[-2:] != ["user", "assistant"] or not all(message.content.strip() for message in record.messages[-2:]):
        raise Dropped("the conversation does not end with question and answer")
    if record.tools or any(message.calls_tools for message in record.messages):
        raise Dropped("the conversation uses tools")
    question, answer = (message.content.strip() for message in record.messages[-2:])
    return tuple((message.role, message.content) for message in record.messages[:-2]), question, answer


def named(turns: Sequence[str]) -> Turns:
    """Return turns, by user and assistant in turn, each with its speaker."""
    return tuple((SPEAKERS[number % 2], text) for number, text in enumerate(turns))


def made_conversation(
    item: Item, turns: Sequence[str], *, recipe: str, style: str, language: Language, choices: Mapping[str, object]
) -> Made:
    """Return the conversation of turns, by user and assistant in turn, as a record.

    Args:
        item: input of the recipe; its record, if there is one, becomes the parent.
        turns: texts of the turns.
        recipe: name of the recipe.
        style: style of what is written, for `Made.style`.
        language: language of the texts.
        choices: further metadata, such as what was drawn.
    """
    parents = {} if item.record is None else {"parents": [item.record.id]}
    metadata = {"recipe": recipe, "style": style, "language": language, **choices, **parents}
    messages = tuple(Message(speaker, text) for speaker, text in named(turns))
    return Made(record=Conversation(item.key, messages, metadata), written="\n\n".join(turns), style=style)
