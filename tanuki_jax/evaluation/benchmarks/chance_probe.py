"""The four questions on probability: how they are asked, how they are judged, and the tier of the model."""

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from tanuki_jax.config.limits import NonNegativeFloat, PositiveInt
from tanuki_jax.corpus.tasks.dice_probes import SIGNS, ChanceQuestion, Event
from tanuki_jax.corpus.tasks.responses import plain
from tanuki_jax.evaluation.benchmark import Ask, Benchmark, Chain, Item, Items, Scores, chat
from tanuki_jax.evaluation.graders.choice_answer import grade_choice
from tanuki_jax.evaluation.graders.maths_answer import states_value
from tanuki_jax.evaluation.graders.used_complement import used_complement
from tanuki_jax.evaluation.tables.probe_tiers import tier_of

_CORRECT, _COMPLEMENT, _LISTED = "correct", "complement", "listed"
_NO_BOUND = 1_000_000
_PAIR = re.compile(r"[(\[{]\s*(\d{1,2})\s*[,、]\s*(\d{1,2})\s*[)\]}]")


@dataclass(frozen=True, kw_only=True)
class ChanceProbe(Benchmark):
    """Sets of the four questions, each of them asked several times."""

    samples: PositiveInt
    """Number of answers to each question."""
    temperature: NonNegativeFloat = 0.7
    """Temperature of the answers; that of the talk is 0.7."""
    max_tokens: PositiveInt = 2048
    """Most tokens of an answer; the list of all pairs takes some hundreds."""

    @property
    def metrics(self) -> tuple[str, ...]:
        return (_CORRECT,)

    @abstractmethod
    def sets(self) -> Iterator[tuple[str, str, ChanceQuestion]]:
        """Yield id, cluster and question of all questions. An id is unique."""

    def load(self, data: Path) -> Items:
        return Items(
            tuple(
                Item(
                    f"{id}/{sample}",
                    question.text,
                    question.right or str(question.event.chance if question.event else ""),
                    cluster,
                    {"family": "probability", "question": question.number},
                    (question, sample),
                )
                for id, cluster, question in self.sets()
                for sample in range(self.samples)
            )
        )

    def chain(self, item: Item) -> Chain:
        question, sample = item.row
        [reply] = yield [self._ask(question, sample)]
        return score_answer(question, reply.text, reply.failure)

    def _ask(self, question: ChanceQuestion, sample: int) -> Ask:
        messages = [{"role": "user", "content": question.text}]
        return chat(messages, max_tokens=self.max_tokens, temperature=self.temperature, sample=sample)

    def overall(self, scored: Sequence[tuple[Item, Scores]]) -> Mapping[str, float]:
        """Return the share right of each question, how 2 and 2a were solved, and 1 for the model's tier by its name."""
        answers: dict[str, list[Mapping[str, float]]] = {}
        for item, scores in scored:
            if scores.values:  # none: an answer on which the grader failed
                answers.setdefault(item.tags["question"], []).append(scores.values)
        found = {name: fmean(each[_CORRECT] for each in answers[name]) for name in sorted(answers)}
        if "q2" in answers:
            found["q2_complement"] = fmean(each[_COMPLEMENT] for each in answers["q2"])
        if "q2a" in answers:
            found["q2a_listed"] = fmean(each[_LISTED] for each in answers["q2a"])
        if {"q2", "q2a", "q2b"} <= set(answers):
            right = [each[_COMPLEMENT] for each in answers["q2"] if each[_CORRECT]]
            tier = tier_of(
                **{name: _is_most(each[_CORRECT] for each in answers[name]) for name in ("q2", "q2a", "q2b")},
                q2_complement=_is_most(right),
            )
            found[f"tier: {tier.value}"] = 1.0
        return found


def score_answer(question: ChanceQuestion, answer: str, failure: str = "") -> Scores:
    """Return the scores of an answer.

    `correct` is the only metric. Answers to question 2 also have `complement`, whether they go by the complement, and
    those to 2a `listed`, whether the pairs in them are all pairs or all pairs of the event.

    Args:
        question: question.
        answer: answer without thinking.
        failure: reason for which there is none; empty: there is one.
    """
    further = {"q2": _COMPLEMENT, "q2a": _LISTED}.get(question.number)
    if failure:
        return Scores({_CORRECT: 0.0} | ({further: 0.0} if further else {}))
    if question.event is None:
        return Scores({_CORRECT: float(grade_choice(answer, question.right, SIGNS, question.options).flexible)})
    correct = float(states_value(answer, question.event.chance, question=question.text))
    if further == _COMPLEMENT:
        return Scores({_CORRECT: correct, _COMPLEMENT: float(goes_by_complement(answer, question.event))})
    if further == _LISTED:
        listed, note = read_list(answer, question.event)
        return Scores({_CORRECT: correct, _LISTED: float(listed)}, note=note)
    return Scores({_CORRECT: correct})


def goes_by_complement(answer: str, event: Event) -> bool:
    """Whether an answer goes by the complement of an event, instead of counting the pairs that make it."""
    _, relation, number = event.condition
    total = len(event.every)
    if relation == "以上":
        return used_complement(answer, total=total, bound=number)
    if re.search(rf"(?<!\d)(?:{number + 1}以上|{number}(?:より大き|を超え))", plain(answer)):
        return True
    # The words for a lower bound would be looked for; no answer has this one.
    return used_complement(answer, total=total, bound=_NO_BOUND)


def read_list(answer: str, event: Event) -> tuple[bool, str]:
    """Return whether an answer has all pairs or all pairs of an event, and no other, and a remark on its pairs.

    Pairs are those that are written (1, 2), as the question asks. One that is there twice is counted in the remark.
    """
    found = [(int(match[1]), int(match[2])) for match in _PAIR.finditer(plain(answer))]
    if not found:
        return False, "no pairs in the form (1, 2)"
    every, wanted, different = set(event.every), set(event.pairs), set(found)
    remark = f"{len(different & wanted)} of {len(wanted)} pairs of the event"
    remark += f", {len(different & (every - wanted))} of {len(every - wanted)} others"
    if strange := len(different - every):
        remark += f", {strange} that cannot be drawn"
    if again := len(found) - len(different):
        remark += f", {again} written again"
    return different in (every, wanted), remark


def _is_most(flags: Iterator[float] | Sequence[float]) -> bool:
    """Whether more than half of the flags are 1."""
    values = [*flags]
    return 2 * sum(values) > len(values)
