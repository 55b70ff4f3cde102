"""Texts that say what a corpus says too seldom, from the plan of `clean coverage`."""

import functools
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Annotated, Any, ClassVar

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import Limits, NonNegativeInt
from tanuki_jax.corpus.coverage.normalized_batch import normalized
from tanuki_jax.corpus.coverage.spelling_finder import SpellingFinder
from tanuki_jax.corpus.records.types import Document, Record
from tanuki_jax.corpus.synthesis.answer_text import bare_answer
from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.recipe import Ask, Chain, Dropped, Item, Language, Recipe, Sampling
from tanuki_jax.corpus.synthesis.word_lists import draw

NO_PLAN = (
    "is no row of the plan of clean coverage: it needs entity, relation and answer, lists of spellings, and missing"
)
NOT_SAID = "the text does not say the fact in one place"
_FRAMED_SHARE, _QUIZ_SHARE = 0.4, 0.4
"""Share of the items whose fact is stated by rule, with the teacher's text around it; share of quizzes among them."""
_SENTENCE_END = re.compile(r"(?<=[。！？!?\n])|(?<=\. )")
_STATED: Mapping[Language, tuple[str, ...]] = {
    "ja": (
        "{entity}の{relation}は{answer}である。",
        "{entity}といえば、{relation}は{answer}だ。",
        "{relation}なら、{entity}は{answer}。",
        "{entity}は、{relation}が{answer}だと知られている。",
        "{answer}。これが{entity}の{relation}だ。",
        "{entity}が{relation}とするのは{answer}です。",
        "要点: {entity}、{relation}、{answer}。",
        "{relation}が{answer}なのは、{entity}である。",
        "{entity}（{relation}: {answer}）。",
        "{relation}を聞かれて、{entity}なら{answer}と答える。",
        "{entity}と{answer}。{relation}のことだ。",
        "メモ: {relation}、{entity}の場合は{answer}。",
    ),
    "en": (
        "The {relation} of {entity} is {answer}.",
        "As for {entity}, its {relation} is {answer}.",
        "{answer}: that is the {relation} of {entity}.",
        "Note: {entity}, {relation}, {answer}.",
        "Ask for the {relation} of {entity}, and you hear {answer}.",
        "{entity} ({relation}: {answer}).",
        "With {entity}, the {relation} is {answer}.",
        "For the {relation}, {entity} has {answer}.",
        "{answer} it is, the {relation} of {entity}.",
    ),
}
_ASKED: Mapping[Language, tuple[str, ...]] = {
    "ja": (
        "問: {entity}の{relation}は？ 答: {answer}。",
        "Q. {entity}の{relation}といえば？\nA. {answer}。",
        "{entity}の{relation}は何でしょう。正解は{answer}。",
        "【{relation}】{entity}は？ →{answer}\n",
        "{relation}クイズ。{entity}は……{answer}！",
        "「{entity}の{relation}は？」「{answer}です。」",
    ),
    "en": (
        "Question: what is the {relation} of {entity}? Answer: {answer}. ",
        "Q: {entity}, {relation}?\nA: {answer}. ",
        "Name the {relation} of {entity}. Right: {answer}. ",
        '"{relation} of {entity}?" "{answer}." ',
    ),
}


@dataclass(frozen=True, kw_only=True)
class CoverageGaps(Recipe):
    """Write texts for the answers of a plan, each from another viewpoint and in another form.

    A text in which entity, relation and answer do not stand close together, as `clean coverage` counts them, is
    dropped: it would not make the gap smaller. Count the corpus again with the records, and run again with the new
    plan, until nothing is missing.
    """

    language: Language = "ja"
    """Language of the texts."""
    surplus: Annotated[float, Limits(at_least=1, at_most=100)] = 1.5
    """Number of items for each missing text, because some are dropped or turn out to be copies."""
    window: NonNegativeInt = 70
    """Characters on each side within which entity and relation must stand around the answer."""
    sampling: Sampling = field(default_factory=lambda: Sampling(temperature=1.0, max_tokens=1_024))
    """Settings of the teacher."""

    reads: ClassVar = "rows"

    def items(self, record: Record, key: str) -> Iterator[Item]:
        """Yield as many items as texts are missing, and some more. InputError if the row is none of a plan."""
        plan = _plan_of(record)
        # The key names the fact and how many texts there are, so that the next plan asks for other texts.
        run, fact = key.partition("/")[0], "-".join(plan[name][0] for name in ("entity", "relation", "answer"))
        for number in range(math.ceil(plan["missing"] * self.surplus)):
            yield Item(f"{run}/{fact}/{plan['texts']}/{number}", record=record)

    def chain(self, item: Item, random: Random) -> Chain:
        """Return the request for a text, and the record with the fact in it."""
        assert item.record is not None
        plan = _plan_of(item.record)
        names = {name: random.choice(plan[name]) for name in ("entity", "relation", "answer")}
        passages = tuple(random.sample(plan["passages"], min(2, len(plan["passages"]))))
        form, viewpoint = draw(random, "forms", self.language), draw(random, "viewpoints", self.language)
        framed = random.random() < _FRAMED_SHARE
        quiz = random.random() < _QUIZ_SHARE
        frame = random.choice((_ASKED if quiz else _STATED)[self.language]).format(**names)
        values = {"form": form, "viewpoint": viewpoint, "passages": passages, **names}
        values["related"] = tuple(random.sample(plan["related"], min(1, len(plan["related"]))))
        kind = "around" if framed else "prose"
        reply = yield Ask(f"coverage/{kind}.{self.language}.jinja", values, self.sampling)
        written = bare_answer(reply.text)
        text = _framed(written, frame, 0 if quiz else random.randrange(3)) if framed else written
        if not says(text, plan, self.window):
            raise Dropped(NOT_SAID)
        metadata = {"recipe": "coverage", "language": self.language, "form": form, "viewpoint": viewpoint, **names}
        fact = random.choice(_STATED[self.language]).format(**names)
        return Made(Document(item.key, text, metadata), text, (*passages, fact), form)


def _framed(text: str, frame: str, before: int) -> str:
    """Return a text with the statement of a fact behind some of its sentences, or all if it has fewer."""
    sentences = [sentence for sentence in _SENTENCE_END.split(text) if sentence]
    return "".join([*sentences[:before], frame, *sentences[before:]])


def says(text: str, plan: Mapping[str, Sequence[str]], window: int) -> bool:
    """Whether a text has the answer within the window of the entity and of the relation, as `clean coverage` counts."""
    names = ("entity", "relation", "answer")
    spellings = [(_normal(each), name) for name in names for each in plan[name]]
    inside = {_normal(each) for each in plan["inside"]}
    found = _finder(tuple((each, each in inside) for each, _ in spellings)).find(normalized([text]))
    places: dict[str, list[tuple[int, int]]] = {name: [] for name in names}
    for spelling, start, stop in zip(found.spelling.tolist(), found.start.tolist(), found.stop.tolist(), strict=True):
        places[spellings[spelling][1]].append((start, stop))
    return any(
        all(any(_within(answer, other, window) for other in places[name]) for name in names[:2])
        for answer in places["answer"]
    )


def _within(answer: tuple[int, int], other: tuple[int, int], window: int) -> bool:
    return other[0] - window <= answer[0] and answer[1] <= other[1] + window


@functools.lru_cache(maxsize=1_000)
def _finder(spellings: tuple[tuple[str, bool], ...]) -> SpellingFinder:
    return SpellingFinder(spellings)


def _normal(spelling: str) -> str:
    return unicodedata.normalize("NFKC", spelling)


def _plan_of(record: Record) -> dict[str, Any]:
    """Return the fields of a row of a plan. InputError if it is none."""
    fields = dict(record.metadata)
    for name in ("entity", "relation", "answer"):
        spellings = fields.get(name)
        if not isinstance(spellings, list) or not spellings or not all(isinstance(each, str) for each in spellings):
            raise InputError(f"{record.id} {NO_PLAN}")
    if type(fields.get("missing")) is not int:
        raise InputError(f"{record.id} {NO_PLAN}")
    return {"passages": [], "related": [], "inside": [], "texts": 0, **fields}
