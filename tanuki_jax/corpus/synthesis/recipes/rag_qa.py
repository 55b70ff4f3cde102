"""A question that a document answers and that is understood without it, with its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Conversation, Message
from tanuki_jax.corpus.synthesis.answer_text import bare_answer, json_pair, one_question
from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.recipe import Ask, Chain, Dropped, Item, Sampling
from tanuki_jax.corpus.synthesis.sliced_recipe import SlicedRecipe
from tanuki_jax.corpus.synthesis.text_references import refers_to_text

type Level = Literal["basic", "medium", "hard"]
"""Level of difficulty of a question."""
PAIR_SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {"question": {"type": "string"}, "answer": {"type": "string"}},
    "required": ["question", "answer"],
    "additionalProperties": False,
}
"""JSON schema of a question with its answer."""
_QUESTION = Sampling(temperature=0.8, max_tokens=512)
_ANSWER = Sampling(temperature=0.2, max_tokens=1_024)


@dataclass(frozen=True, kw_only=True)
class RagQa(SlicedRecipe):
    """Write a question that a part of a document answers, and the answer, as a conversation without the document.

    A question or an answer that refers to "this text" is dropped, for the reader has none.
    """

    name = "rag_qa"

    levels: tuple[Level, ...] = ("basic", "medium", "hard")
    """Levels of difficulty of which one is drawn: a fact of one sentence, facts of several, reasons and
    consequences."""
    form: Literal["plain", "json"] = "plain"
    """Form of the answers: a request for the question and one for the answer, in plain text; or one request for both
    in JSON."""
    question: Sampling = _QUESTION
    """Settings of the question's request, or that of both."""
    answer: Sampling = _ANSWER
    """Settings of the answer's request."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.levels:
            raise InputError("rag_qa.levels is empty, and must have one or more of basic, medium and hard")

    def chain(self, item: Item, random: Random) -> Chain:
        """Return the requests: question and answer, or both at once."""
        part = self.part(item, random)
        level = random.choice(self.levels)
        values = {"text": part.text, "level": level}
        if self.form == "json":
            reply = yield Ask(self.template("pair", part.language), values, self.question, schema=PAIR_SCHEMA)
            question, answer = json_pair(reply.text)
            check_question(question)
        else:
            reply = yield Ask(self.template("question", part.language), values, self.question)
            question = one_question(reply.text)
            check_question(question)
            values |= {"question": question}
            reply = yield Ask(self.template("answer", part.language), values, self.answer)
            answer = bare_answer(reply.text)
        if refers_to_text(answer):
            raise Dropped("answer refers to its text")
        turns = (Message("user", question), Message("assistant", answer))
        record = Conversation(item.key, turns, self.metadata(part, level))
        return Made(record, f"{question}\n{answer}", (part.text,), level)


def check_question(question: str) -> None:
    """Raise Dropped if a question cannot be understood without the text that it was made from."""
    if refers_to_text(question):
        raise Dropped("question refers to its text")
