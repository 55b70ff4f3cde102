"""The four middle-school questions on probability of the talk of February 2025, in our own words."""

from collections.abc import Iterator
from dataclasses import dataclass

from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.corpus.tasks.dice_probes import ChanceQuestion, Event, event_questions, meaning_question
from tanuki_jax.evaluation.benchmarks.chance_probe import ChanceProbe

_MEANING = meaning_question(
    "どの目も同じように出るさいころがあります。このさいころを1回投げるとき、3の目が出る確率は1/6です。",
    (
        "6回投げれば、3の目は必ずちょうど1回出る。",
        "5回続けて3の目が出なかったら、6回目には必ず3の目が出る。",
        "3の目が1回出たら、その後の5回は3の目が出ない。",
        "60回投げれば、3の目は必ずちょうど10回出る。",
        "投げる回数を増やしていくと、3の目が出た回数の割合は1/6に近づいていく。",
    ),
    "5",
)
_DICE = "2つのさいころを同時に1回振ります。どちらのさいころも、1から6までのどの目も同じように出ます。"
QUESTIONS: tuple[ChanceQuestion, ...] = (_MEANING, *event_questions(_DICE, Event((6, 6), ("和", "以上", 3))))
"""Questions 1, 2, 2a and 2b: the meaning of 1/6, and the probability that the sum of two dice is at least 3 (35/36)."""


@dataclass(frozen=True, kw_only=True)
class ProbabilityProbe(ChanceProbe):
    """The four questions of the talk, each asked several times, and the tier of the model."""

    title = "Probability, the talk's four questions"
    samples: PositiveInt = 8
    """Number of answers to each question. A question counts as right if most of them are."""

    @property
    def name(self) -> str:
        return "probability_probe"

    def sets(self) -> Iterator[tuple[str, str, ChanceQuestion]]:
        return ((question.number, question.number, question) for question in QUESTIONS)
