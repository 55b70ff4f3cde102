from dataclasses import dataclass
from random import Random

import pytest

from tanuki_jax.corpus.records.types import Conversation
from tanuki_jax.corpus.synthesis.recipe import Dropped, Item, Language
from tanuki_jax.corpus.synthesis.recipes.fixed import CheckedCommand, Fixed
from tests.corpus.synthesis.hostile_texts import check_quotations
from tests.corpus.synthesis.rehearsed_chain import rehearse

LANGUAGES: tuple[Language, ...] = ("ja", "en")


@dataclass(frozen=True)
class OneSentence:
    """A command to answer in one sentence of some length."""

    most: int

    def text(self, language: Language) -> str:
        return (
            f"{self.most}字以内の一文で答えてください。" if language == "ja" else f"One sentence, {self.most} letters."
        )

    def obeyed(self, answer: str) -> bool:
        return len(answer) <= self.most and answer.count("。") + answer.count(".") == 1


class Rehearsed(Fixed):
    """The recipe with commands of this test."""

    def draw_command(self, random: Random) -> CheckedCommand:
        return OneSentence(random.randint(110, 130))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_second_answer_obeys_the_command(language: Language) -> None:
    made, rendered = rehearse(Rehearsed(language=language), Item("a"))
    assert isinstance(made.record, Conversation)
    question, first, command, second = (message.content for message in made.record.messages)
    assert second.count("。") + second.count(".") == 1 and len(second) < 110
    assert command in str(rendered[2][-1]["content"])
    assert question in str(rendered[2][-1]["content"]) and first in str(rendered[2][-1]["content"])
    assert made.record.metadata["checker"] == "OneSentence"
    assert made.record.metadata["recipe"] == made.style == "fixed"


@pytest.mark.parametrize(
    "answer",
    [
        "あ" * 200 + "。",
        "一文目。二文目。",
        "句点がない",
        "No full stop",
        "One. Two.",
        "...",
        "はい。\n補足です。",
        "3.14です。",
        "a" * 131 + ".",
        "。。",
    ],
)
def test_an_answer_that_does_not_obey_is_dropped(answer: str) -> None:
    with pytest.raises(Dropped, match="does not obey"):
        rehearse(Rehearsed(), Item("a"), 0, ["Why?", "Because.", answer])


def test_the_checker_sees_the_answer_as_it_is() -> None:
    made, _ = rehearse(Rehearsed(), Item("a"), 0, ["Why?", "Because.", "\n回答: はい。 "])
    assert isinstance(made.record, Conversation)
    assert made.record.messages[3].content == "回答: はい。"
    for fault in (" ", "はい。<|im_end|>"):
        with pytest.raises(Dropped, match=r"empty|special tokens"):
            rehearse(Rehearsed(), Item("a"), 0, ["Why?", "Because.", fault])


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_texts_stay_in_their_quotation(language: Language) -> None:
    assert f"fixed/obey.{language}.jinja" in check_quotations(Rehearsed(language=language), Item("a"))


def test_choices_depend_on_the_key_and_the_seed_alone() -> None:
    first, again, other = (rehearse(Rehearsed(), Item("a"), seed)[0] for seed in (1, 1, 2))
    assert first == again != other
