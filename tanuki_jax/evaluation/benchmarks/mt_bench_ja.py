"""Japanese MT-Bench: 80 questions of two turns, both answers rated from 1 to 10 by a judge.

Zheng et al. 2023 (arXiv 2306.05685), in the Japanese of Stability AI's FastChat. Temperatures, limits of tokens and the
categories with a reference are FastChat's; the fork's own temperatures (0.5, 0.2 and 0.1) are not those of published
tables such as the Nejumi leaderboard's.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.evaluation.benchmark import Ask, Benchmark, Chain, Item, Items, Reply, Scores, chat
from tanuki_jax.evaluation.benchmarks.judge_prompts import judge_messages
from tanuki_jax.evaluation.benchmarks.open_questions import as_turns, conversation, read_answers, read_questions
from tanuki_jax.evaluation.graders.verdicts import rating

TEMPERATURES: Mapping[str, float] = {
    "writing": 0.7,
    "roleplay": 0.7,
    "extraction": 0.0,
    "math": 0.0,
    "coding": 0.0,
    "reasoning": 0.0,
    "stem": 0.1,
    "humanities": 0.1,
}
"""Category -> temperature of the answers."""
OTHER_TEMPERATURE = 0.7
REFERENCED = ("math", "reasoning", "coding")
"""Categories whose judge sees a reference."""
LOWEST, HIGHEST = 1.0, 10.0
HOW_TO_GET = (
    "it is in the repository Stability-AI/FastChat, branch jp-stable, fastchat/llm_judge/data/japanese_mt_bench: "
    "question_full.jsonl and reference_answer/base-gpt4o-with-human-annotation.jsonl"
)
TURNS = 2
METRICS = ("rating", "turn_1", "turn_2")
_UNREADABLE, _LOW, _HIGH = "unreadable_verdicts", "lowest_verdict", "highest_verdict"
_MANY = 10
"""Number of items after which a judge that always gives one rating is suspicious."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MtQuestion:
    """A question as it is asked and judged."""

    turns: tuple[str, ...]
    references: tuple[str, ...]
    """Right answers to both turns; empty: the judge sees none."""
    temperature: float


@dataclass(frozen=True, kw_only=True)
class MtBenchJa(Benchmark):
    """Japanese MT-Bench: single ratings of both turns. A request that failed has the lowest rating."""

    title = "Japanese MT-Bench"
    asks = ("model", "judge")
    scale = (LOWEST, HIGHEST)
    bounds: ClassVar = dict.fromkeys(METRICS, (LOWEST, HIGHEST))
    questions: str = "mt_bench_ja/question.jsonl"
    """File of the questions: question_id, category, turns."""
    references: str = "mt_bench_ja/reference_gpt4o_human.jsonl"
    """File of right answers, in FastChat's layout of answers."""
    samples: PositiveInt = 1
    """Number of conversations of each question whose answers are drawn; with temperature 0 there is one."""
    max_tokens: PositiveInt = 1_024
    """Most tokens of an answer."""
    judge_tokens: PositiveInt = 2_048
    """Most tokens of a verdict with its reasons."""

    @property
    def name(self) -> str:
        return "mt_bench_ja"

    @property
    def metrics(self) -> tuple[str, ...]:
        return METRICS

    def load(self, data: Path) -> Items:
        path, beside = data / self.questions, data / self.references
        references = read_answers(beside, how=HOW_TO_GET)
        items = []
        for each in read_questions(path, how=HOW_TO_GET):
            if len(each.turns) != TURNS:
                raise InputError(f"question {each.id} of {path} has {len(each.turns)} turns, and should have {TURNS}")
            shown = references.get(each.id, ()) if each.category in REFERENCED else ()
            if each.category in REFERENCED and len(shown) != TURNS:
                name = f"question {each.id} ({each.category})"
                raise InputError(f"{beside} has {len(shown)} answers to {name}, and should have {TURNS}")
            question = MtQuestion(each.turns, shown, TEMPERATURES.get(each.category, OTHER_TEMPERATURE))
            tags = {"category": each.category} if each.category else {}
            items.append(Item(each.id, as_turns(each.turns), "\n\n".join(shown), tags=tags, row=question))
        return Items(tuple(items), (path, beside))

    def chain(self, item: Item) -> Chain:
        question: MtQuestion = item.row
        samples = range(self.samples if question.temperature else 1)
        firsts = yield [self._ask(question, (), number) for number in samples]
        going = [number for number, reply in enumerate(firsts) if not reply.failure]
        seconds = yield [self._ask(question, (firsts[number].text,), number) for number in going]
        answers = {(number, 0): reply for number, reply in enumerate(firsts)}
        answers |= {(number, 1): reply for number, reply in zip(going, seconds, strict=True)}
        judged = [place for place, reply in sorted(answers.items()) if reply.text]
        verdicts = yield [
            self._ask_judge(question, [answers[number, earlier].text for earlier in range(turn + 1)], number)
            for number, turn in judged
        ]
        ratings = {place: rating_of(reply) for place, reply in zip(judged, verdicts, strict=True)}
        notes = [
            f"{self._label(turn, number)}: {why_unread(reply)}"
            for (number, turn), reply in zip(judged, verdicts, strict=True)
            if ratings[number, turn] is None
        ]
        return _scores(ratings, len(firsts), notes)

    def _ask(self, question: MtQuestion, answers: Sequence[str], sample: int) -> Ask:
        messages = conversation(question.turns, answers)
        label = self._label(len(answers), sample)
        return chat(messages, max_tokens=self.max_tokens, temperature=question.temperature, sample=sample, label=label)

    def _ask_judge(self, question: MtQuestion, answers: Sequence[str], sample: int) -> Ask:
        label = self._label(len(answers) - 1, sample)
        return chat(messages_for_judge(question, answers), max_tokens=self.judge_tokens, by="judge", label=label)

    def _label(self, turn: int, sample: int) -> str:
        """Return the name of a turn, both counted from 0."""
        return f"turn {turn + 1}{f' of sample {sample}' if self.samples > 1 else ''}"

    def overall(self, scored: Sequence[tuple[Item, Scores]]) -> Mapping[str, float]:
        values = [scores.values for _, scores in scored]
        figures = {_UNREADABLE: sum(each.get(_UNREADABLE, 0.0) for each in values)}
        judged = [each for each in values if _LOW in each]
        if judged:
            low, high = min(each[_LOW] for each in judged), max(each[_HIGH] for each in judged)
            figures |= {_LOW: low, _HIGH: high}
            if low == high and len(judged) >= _MANY:
                _log.warning("%s: the judge gave every answer the rating %g, which says nothing", self.name, low)
        return figures


def messages_for_judge(question: MtQuestion, answers: Sequence[str]) -> list[dict[str, str]]:
    """Return the messages that ask for the rating of the last of one or two answers.

    The judge of the first turn sees nothing of the second.

    Args:
        question: question.
        answers: answer to the first turn, and that to the second if it is judged.
    """
    template = "mt_bench_ja_first_turn" if len(answers) == 1 else "mt_bench_ja_second_turn"
    shown = len(answers)
    return judge_messages(
        template, turns=question.turns[:shown], references=question.references[:shown], answers=answers
    )


def rating_of(verdict: Reply) -> float | None:
    """Return the rating of a verdict, from 1 to 10; None: the judge failed, was cut, or gave none."""
    return None if verdict.failure or verdict.cut else rating(verdict.text)


def why_unread(verdict: Reply) -> str:
    """Return the reason for which a verdict cannot be read."""
    if verdict.failure:
        return f"the judge gave no verdict: {verdict.failure}"
    return "the verdict was cut" if verdict.cut else "the verdict has no rating from 1 to 10"


def _scores(ratings: Mapping[tuple[int, int], float | None], samples: int, notes: Sequence[str]) -> Scores:
    """Return the scores of a question from the ratings by sample and turn. Turns that were not judged failed."""
    rows = [[ratings.get((number, turn), LOWEST) for turn in range(TURNS)] for number in range(samples)]
    values: dict[str, float] = {_UNREADABLE: float(len(notes))}
    whole = [(first + second) / TURNS for first, second in rows if first is not None and second is not None]
    for metric, found in zip(METRICS, (whole, *zip(*rows, strict=True)), strict=True):
        if read := [each for each in found if each is not None]:
            values[metric] = sum(read) / len(read)
    if given := [each for each in ratings.values() if each is not None]:
        values |= {_LOW: min(given), _HIGH: max(given)}
    unreadable = tuple(metric for metric in METRICS if metric not in values)
    return Scores(values, unreadable, "; ".join(notes))
