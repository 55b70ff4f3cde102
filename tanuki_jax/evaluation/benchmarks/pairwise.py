"""Answers compared with a baseline's by a judge, in both orders, in the way of arena-hard (Li et al. 2024, arXiv
2406.11939), whose prompt it asks with in Japanese."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.evaluation.benchmark import Ask, Benchmark, By, Chain, Item, Items, Reply, Scores, chat
from tanuki_jax.evaluation.benchmarks.judge_prompts import judge_messages
from tanuki_jax.evaluation.benchmarks.open_questions import as_turns, conversation, read_answers, read_questions
from tanuki_jax.evaluation.benchmarks.pairwise_figures import (
    BASELINE_FIRST,
    MODEL_FIRST,
    VERDICTS,
    figures_of,
    style_values,
)
from tanuki_jax.evaluation.graders.verdicts import pairwise_verdict


@dataclass(frozen=True, slots=True)
class Compared:
    """A question with the baseline's answers."""

    turns: tuple[str, ...]
    baseline: tuple[str, ...] = ()
    """Answers of the baseline; empty: it is asked."""


@dataclass(frozen=True, kw_only=True)
class Pairwise(Benchmark):
    """Wins against a baseline; a tie is half a win, and a question counts as the mean of both orders."""

    title = "Pairwise comparison"
    questions: str = "mt_bench_ja/question.jsonl"
    """File of the questions: question_id, category and turns, or id and question."""
    baseline_answers: str = ""
    """File of the baseline's answers: id and answer, or FastChat's layout; empty: the baseline is served
    (--baseline.urls)."""
    max_tokens: PositiveInt = 1_024
    """Most tokens of an answer."""
    judge_tokens: PositiveInt = 4_096
    """Most tokens of a verdict with the judge's own answer and its reasons."""

    @property
    def name(self) -> str:
        return "pairwise"

    @property
    def metrics(self) -> tuple[str, ...]:
        return ("win",)

    @property
    def asks(self) -> tuple[By, ...]:
        return ("model", "judge") if self.baseline_answers else ("model", "judge", "baseline")

    def load(self, data: Path) -> Items:
        path = data / self.questions
        questions, files, answers = read_questions(path), [path], dict[str, tuple[str, ...]]()
        if self.baseline_answers:
            beside = data / self.baseline_answers
            files.append(beside)
            answers = read_answers(beside)
            for each in questions:
                if (has := len(answers.get(each.id, ()))) != len(each.turns):
                    raise InputError(
                        f"{beside} has {has} answers to question {each.id}, and should have {len(each.turns)}"
                    )
        items = (
            Item(
                each.id,
                as_turns(each.turns),
                tags={"category": each.category} if each.category else {},
                row=Compared(each.turns, answers.get(each.id, ())),
            )
            for each in questions
        )
        return Items(tuple(items), tuple(files))

    def chain(self, item: Item) -> Chain:
        asked: Compared = item.row
        own, other = list[str](), [*asked.baseline]
        for turn in range(len(asked.turns)):
            replies = yield [
                self._ask(asked.turns, own, "model"),
                *([] if asked.baseline else [self._ask(asked.turns, other, "baseline")]),
            ]
            if replies[0].failure:
                return Scores({"win": 0.0}, note=f"the model gave no answer in turn {turn + 1}: it lost")
            if not asked.baseline:
                if replies[1].failure:
                    return Scores({}, ("win",), f"the baseline gave no answer in turn {turn + 1}: {replies[1].failure}")
                other.append(replies[1].text)
            own.append(replies[0].text)
        if not any(own):
            return Scores({"win": 0.0}, note="the model's answer is empty: it lost")
        verdicts = yield [
            self._ask_judge(asked.turns, own, other, "the model first"),
            self._ask_judge(asked.turns, other, own, "the baseline first"),
        ]
        return _scores(verdicts, own, other)

    def _ask(self, turns: Sequence[str], answers: Sequence[str], by: By) -> Ask:
        label = f"turn {len(answers) + 1}"
        return chat(conversation(turns, answers), max_tokens=self.max_tokens, by=by, label=label)

    def _ask_judge(self, turns: Sequence[str], first: Sequence[str], second: Sequence[str], label: str) -> Ask:
        messages = judge_messages("pairwise_ja", turns=turns, first=first, second=second)
        return chat(messages, max_tokens=self.judge_tokens, by="judge", label=label)

    def overall(self, scored: Sequence[tuple[Item, Scores]]) -> Mapping[str, float]:
        return figures_of(self.name, scored)


def _scores(verdicts: Sequence[Reply], own: Sequence[str], other: Sequence[str]) -> Scores:
    """Return the scores of a question from the verdicts with the model first and with the baseline first."""
    values, notes = style_values("\n\n".join(own), "\n\n".join(other)), []
    for name, sign, verdict in zip((MODEL_FIRST, BASELINE_FIRST), (1, -1), verdicts, strict=True):
        found = None if verdict.failure or verdict.cut else pairwise_verdict(verdict.text)
        if found is None:
            notes.append(f"{name.replace('_', ' ')}: {_why_unread(verdict)}")
        else:
            values[name] = float(sign * VERDICTS[found])
    if notes:
        return Scores(values, ("win",), "; ".join(notes))
    wins = [(1 + max(-1.0, min(values[name], 1.0))) / 2 for name in (MODEL_FIRST, BASELINE_FIRST)]
    return Scores({"win": sum(wins) / len(wins), **values})


def _why_unread(verdict: Reply) -> str:
    if verdict.failure:
        return f"the judge gave no verdict: {verdict.failure}"
    return "the verdict was cut" if verdict.cut else f"the verdict is none of {', '.join(VERDICTS)}"
