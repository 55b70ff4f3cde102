"""Questions that the teacher writes in the part of a user, after Magpie (arXiv 2406.08464), and their answers."""

from dataclasses import dataclass
from random import Random
from typing import ClassVar, Literal

from tanuki_jax.corpus.synthesis.exchange import ANSWERS, QUESTIONS, ask_answer, draw_style, made_conversation
from tanuki_jax.corpus.synthesis.recipe import Ask, Chain, Item, Language, Recipe, Sampling
from tanuki_jax.corpus.synthesis.replies import parse_question
from tanuki_jax.corpus.synthesis.themes import draw_persona
from tanuki_jax.corpus.synthesis.word_lists import draw


@dataclass(frozen=True, kw_only=True)
class Magpie(Recipe):
    """The message of a user that the teacher writes with little to go by, and its answer.

    Magpie itself gives a model its chat template up to the user's turn, and lets it go on. That takes a completion with
    the teacher's own template; this recipe needs a chat alone: a system message makes the teacher the user, and an
    instruction says what kind of user. So questions are a little less like those that the teacher was trained on.
    """

    reads: ClassVar[Literal["nothing"]] = "nothing"

    language: Language = "ja"
    """Language of the questions and answers."""
    questions: Sampling = QUESTIONS
    """Settings for questions."""
    answers: Sampling = ANSWERS
    """Settings for answers."""

    def chain(self, item: Item, random: Random) -> Chain:
        """Return the requests for one question and its answer."""
        purpose, persona = draw(random, "purposes", self.language), draw_persona(random, self.language)
        style = draw_style(random, self.language)
        template = f"magpie/message.{self.language}.jinja"
        reply = yield Ask(template, {"purpose": purpose, "persona": persona}, self.questions)
        question = parse_question(reply.text)
        answer = yield from ask_answer(question, style, self.language, self.answers)
        choices = {"purpose": purpose, "persona": persona}
        return made_conversation(
            item, [question, answer], recipe="magpie", style=style, language=self.language, choices=choices
        )
