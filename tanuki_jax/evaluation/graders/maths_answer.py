"""Whether a free Japanese answer states the value of a mathematical question as its one final answer."""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction

from tanuki_jax.corpus.tasks.answer_values import Clock, Day, Pairs, Point, Span, states
from tanuki_jax.corpus.tasks.responses import Root
from tanuki_jax.evaluation.graders.amounts import Amount
from tanuki_jax.evaluation.graders.answer_units import BARE, Unit, unit_named
from tanuki_jax.evaluation.graders.asked import SHARE, Asked, asked_for
from tanuki_jax.evaluation.graders.claims import Claim
from tanuki_jax.evaluation.graders.final_answer import after_thinking
from tanuki_jax.evaluation.graders.final_claims import final_claims, final_list
from tanuki_jax.evaluation.graders.maths_text import plain_maths

type Number = int | Fraction | Root
type Answer = Number | Clock | Span | Day | Point | Pairs | str | tuple[Number, ...] | frozenset[Number]
"""Right answer; a tuple in its order, a frozenset in any."""


def states_value(response: str, value: Answer, *, unit: str = "", question: str = "") -> bool:
    """Whether a response states a value as its one final answer.

    The final answer is what stands in a box, after 「答えは」, in the conclusion, or at the end. An equal value in
    another notation or unit is right. A value that is no whole number may be rounded to three significant digits, or to
    two where the text says that it is rounded. Two different final answers are wrong, and so is the right number if the
    sentence says that it answers another question, if it is denied, or if the thinking was cut.

    Args:
        response: free text; thinking before it is left out.
        value: right answer; a share is a fraction of one unless the unit is "%".
        unit: unit of the value, such as "m", "時速km", "%" or "個"; empty: as the question says.
        question: text of the question, by which the answer of another question is found; empty: it is not known.
    """
    final = after_thinking(response)
    if isinstance(value, Point | Pairs | str):
        return states(final.text, value)
    if isinstance(value, Span):
        return states_value(final.text, value.minutes, unit="分", question=question)
    asked = asked_for(question, unit)
    if isinstance(value, Clock | Day):
        asked = dataclasses.replace(asked, unit=Unit("clock" if isinstance(value, Clock) else "day"))
    elif asked.unit.dimension == "share" and not unit:
        percent = isinstance(value, int | Fraction) and value > 1
        asked = dataclasses.replace(asked, unit=unit_named("%") if percent else SHARE)
    elif asked.unit == BARE and isinstance(value, Fraction) and 0 < value < 1:
        asked = dataclasses.replace(asked, counts=False)
    if isinstance(value, tuple | frozenset):
        return _lists(final_list(plain_maths(final.text), asked, len(value)), value, asked)
    claims = final_claims(plain_maths(final.text), asked)
    return bool(claims) and all(_claims_value(claim, value, asked) for claim in claims)


def _claims_value(claim: Claim, value: Number | Clock | Day, asked: Asked) -> bool:
    """Whether all amounts of a claim are the value, one of them precisely."""
    expected = Fraction(value) if isinstance(value, int) else value
    precise = [amount for amount in claim.amounts + claim.beside if amount.has_value(expected, asked.unit)]
    return bool(precise) and all(
        amount.has_value(expected, asked.unit, beside=not claim.either) for amount in claim.amounts
    )


def _lists(found: Sequence[Amount], values: tuple[Number, ...] | frozenset[Number], asked: Asked) -> bool:
    """Whether amounts are the values, in their order if they have one."""
    expected = [Fraction(value) if isinstance(value, int) else value for value in values]
    if len(found) != len(expected):
        return False
    if isinstance(values, tuple):
        return all(_is(amount, each, asked) for amount, each in zip(found, expected, strict=True))
    return _match(found, expected, asked)


def _match(found: Sequence[Amount], expected: Sequence[Fraction | Root], asked: Asked) -> bool:
    """Whether each amount is another one of the expected values."""
    left = list(expected)
    for amount in found:
        hit = next((value for value in left if _is(amount, value, asked)), None)
        if hit is None:
            return False
        left.remove(hit)
    return not left


def _is(amount: Amount, value: Fraction | Root, asked: Asked) -> bool:
    return amount.has_value(value, asked.unit)
