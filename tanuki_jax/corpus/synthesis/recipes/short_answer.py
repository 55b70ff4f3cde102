"""A question whose answer is a word or a number of a document."""

import re
import unicodedata
from dataclasses import dataclass
from random import Random
from typing import Literal

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.corpus.records.types import Conversation, Message
from tanuki_jax.corpus.synthesis.answer_text import json_pair, labelled_pair
from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.recipe import Ask, Chain, Dropped, Item, Sampling
from tanuki_jax.corpus.synthesis.recipes.rag_qa import PAIR_SCHEMA, Level, check_question
from tanuki_jax.corpus.synthesis.sliced_recipe import SlicedRecipe

_SPACES = re.compile(r"\s+|(?<=\d),(?=\d{3}(?!\d))")
_ENDS = "。．.、,，「」『』\"'“”‘’"
_SAMPLING = Sampling(temperature=0.8, max_tokens=512)


@dataclass(frozen=True, kw_only=True)
class ShortAnswer(SlicedRecipe):
    """Write a question whose answer is a word, a name or a number that stands in a part of a document.

    Such answers can be checked: one that does not stand in the part, or that the question gives away, is dropped.
    """

    name = "short_answer"

    levels: tuple[Level, ...] = ("basic", "medium", "hard")
    """Levels of difficulty of which one is drawn: one hint in the question, two, or a description that does not use the
    document's words."""
    form: Literal["plain", "json"] = "plain"
    """Form of the teacher's answer: two labelled lines, or JSON."""
    longest: PositiveInt = 40
    """Greatest number of characters of an answer."""
    sampling: Sampling = _SAMPLING
    """Settings of the request."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.levels:
            raise InputError("short_answer.levels is empty, and must have one or more of basic, medium and hard")

    def chain(self, item: Item, random: Random) -> Chain:
        """Return the request of question and answer."""
        part = self.part(item, random)
        level = random.choice(self.levels)
        json = self.form == "json"
        ask = Ask(
            self.template("pair" if json else "question", part.language),
            {"text": part.text, "level": level},
            self.sampling,
            schema=PAIR_SCHEMA if json else None,
        )
        reply = yield ask
        question, answer = json_pair(reply.text) if json else labelled_pair(reply.text)
        check_question(question)
        answer = self.checked(question, answer, part.text)
        turns = (Message("user", question), Message("assistant", answer))
        record = Conversation(item.key, turns, self.metadata(part, level))
        return Made(record, f"{question}\n{answer}", (part.text,), level)

    def checked(self, question: str, answer: str, text: str) -> str:
        """Return an answer without the marks around it.

        Raises:
            Dropped: it is too long, does not stand in the text, or stands in the question.
        """
        bare = answer.strip().strip(_ENDS).strip()
        if not bare:
            raise Dropped("empty question or answer")
        if len(bare) > self.longest or "\n" in bare:
            raise Dropped("answer too long")
        if not occurs(bare, text):
            raise Dropped("answer does not stand in the text")
        if occurs(bare, question):
            raise Dropped("answer stands in the question")
        return bare


def occurs(answer: str, text: str) -> bool:
    """Whether a text has an answer, whatever the width and case of the letters, white space, and commas in numbers.

    A number or a word of Latin letters must not be a part of a longer one.
    """
    wanted, searched = _folded(answer), _folded(text, " ")
    pattern = r"\s*".join(map(re.escape, wanted))
    before = r"(?<![0-9.])" if wanted[0].isdigit() else r"(?<![a-z])" if wanted[0].isascii() else ""
    behind = r"(?!\.?[0-9])" if wanted[-1].isdigit() else r"(?![a-z])" if wanted[-1].isascii() else ""
    return re.search(f"{before}{pattern}{behind}", searched) is not None


def _folded(text: str, space: str = "") -> str:
    """Return a text in NFKC and lower case, without commas in numbers, and with another white space."""
    return _SPACES.sub(lambda match: "" if match[0] == "," else space, unicodedata.normalize("NFKC", text).casefold())
