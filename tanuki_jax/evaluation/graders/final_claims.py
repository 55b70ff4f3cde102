"""The claims of a solution that are its final answer: in a box, after 「答えは」, in its conclusion, or at its end."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from tanuki_jax.evaluation.graders.amounts import Amount
from tanuki_jax.evaluation.graders.answer_units import BARE, unit_at
from tanuki_jax.evaluation.graders.answer_words import (
    ANNOUNCING,
    ASKING,
    BEHIND,
    BUT,
    CHECK,
    CONCLUSION,
    CORRECTED,
    ENDING,
    HEADING,
    IN_FACT,
    LABEL,
    OPENING,
    OTHERWISE,
    PLAN,
    POINTS_ON,
    REASON,
    REFUSAL,
    REJECTION,
    REMARK,
    UNDECIDED,
    UNFINISHED,
    WITHDRAWN,
    sentences,
)
from tanuki_jax.evaluation.graders.asked import Asked
from tanuki_jax.evaluation.graders.claims import Claim, claims_of
from tanuki_jax.evaluation.graders.maths_text import BOX_CLOSE, BOX_OPEN

_BOX = re.compile(rf"{BOX_OPEN}([^{BOX_OPEN}{BOX_CLOSE}]*){BOX_CLOSE}")
_CASE = re.compile(r"(?:場合(?:は|には|、)?|と(?:すると|すれば|考えると)|なら|れば|ときは)\s*$")
_ASSIGNMENT = re.compile(r"\s*[a-z]\s*[=は]")


class _Level(IntEnum):
    """Rank of a sentence among those that may state the final answer."""

    NONE = 0
    PLAIN = 1
    CONCLUSION = 2
    ANSWER = 3


@dataclass(slots=True)
class _Step:
    """Sentence of a solution with its claims."""

    text: str
    level: _Level
    claims: list[Claim]
    refusal: bool = False
    corrects: bool = False
    cut: bool = False
    """Whether it ends before what it announces."""
    inner: bool = False
    """Whether it states the answer of a part, such as 足し算の答えは."""
    misses: bool = False
    """Whether it claims something, but nothing that the question asks for."""


def final_claims(text: str, asked: Asked) -> list[Claim]:
    """Return the claims that a solution makes as its final answer, which are several if they are repeated or contradict
    each other; empty: it states none.

    Claims in other units than the question's are left out, and those whose subject is another one.

    Args:
        text: solution as `plain_maths` writes it.
        asked: its question.
    """
    boxed = [claim for content in _boxes(text) for claim in claims_of(content)]
    if boxed or UNDECIDED.search(text):
        return boxed
    steps = _steps_or_rows(text, asked)
    others = [claim for step in steps if OTHERWISE.match(step.text) for claim in step.claims]
    return [_best(step, asked) for step in _final_steps(steps, asked)] + (others if steps else [])


def final_list(text: str, asked: Asked, count: int) -> tuple[Amount, ...]:
    """Return the amounts that a solution lists as its final answer, such as both solutions of an equation, which may
    stand in lines of their own; empty: it states none.

    Args:
        text: solution as `plain_maths` writes it.
        asked: its question.
        count: number of amounts of the right answer, by which a list is told from a step of its calculation.
    """
    boxed = [claim for content in _boxes(text) for claim in claims_of(content)]
    if boxed:
        return tuple(amount for claim in boxed for amount in claim.amounts)
    steps = _steps_or_rows(text, asked)
    final = _final_steps(steps, asked)
    if not final:
        return ()
    last = next(index for index, step in enumerate(steps) if step is final[-1])
    lists = [_neighbours(steps, index) for index in (last, *reversed(range(len(steps))))]
    return next((found for found in lists if len(found) == count), lists[0])


def _neighbours(steps: Sequence[_Step], index: int) -> tuple[Amount, ...]:
    """Return the amounts of a step, and, if it gives a variable its value, those of the steps beside it that do."""
    first = last = index
    if _is_assignment(steps[index]):
        while first > 0 and _is_assignment(steps[first - 1]):
            first -= 1
        while last + 1 < len(steps) and _is_assignment(steps[last + 1]):
            last += 1
    return tuple(amount for step in steps[first : last + 1] for claim in step.claims for amount in claim.amounts)


def _steps_or_rows(text: str, asked: Asked) -> list[_Step]:
    """Return the steps of a text, or, if none of them claims anything, those of its tables."""
    steps = list(_steps(text, asked))
    if any(step.claims for step in steps) or "|" not in text:
        return steps
    return list(_steps(text.replace("|", " "), asked))


def _final_steps(steps: Sequence[_Step], asked: Asked) -> list[_Step]:
    """Return the steps that state the final answer, which are several only if each says that it does."""
    stated = [step for step in steps if step.level == _Level.ANSWER and step.claims]
    if stated:
        return [step for step in stated[:-1] if not step.inner] + stated[-1:]
    if steps and steps[-1].cut and not any(step.level == _Level.CONCLUSION and step.claims for step in steps):
        return []
    final = _final_step(steps)
    if final is None:
        return []
    if final.level == _Level.PLAIN and not any(asked.closeness(claim.subject) for claim in final.claims):
        behind = steps[next(index for index, step in enumerate(steps) if step is final) :]
        if any(step.misses and step.level >= _Level.CONCLUSION for step in behind):
            return []
    return [final]


def _is_assignment(step: _Step) -> bool:
    """Whether a step gives a variable its value, as in x = 5."""
    return len(step.claims) == 1 and bool(_ASSIGNMENT.match(step.text))


def _boxes(text: str) -> Iterator[str]:
    for match in _BOX.finditer(text):
        unit, stop = unit_at(text, match.end())
        yield match[1] + (text[match.end() : stop] if unit != BARE else "")


def _steps(text: str, asked: Asked) -> Iterator[_Step]:
    """Yield the steps that count: without those before a correction, and without the end of a loop that was cut."""
    parts = list(sentences(text))
    if (
        len(parts) > 1
        and parts[-1][-1] not in "。!?"
        and any(other != parts[-1] and other.startswith(parts[-1]) for other in parts[:-1])
    ):
        parts.pop()
    steps: list[_Step] = []
    dropped: list[_Step] = []
    pending, fresh = False, True
    for number, part in enumerate(parts):
        if heading := HEADING.match(part):
            part, fresh = part[heading.end() :], True
        if not part:
            continue
        step, pending = _step(part, asked, pending, fresh, number == len(parts) - 1)
        fresh = False
        if step.corrects and (step.claims or not IN_FACT.search(part)):
            dropped, steps = ([] if WITHDRAWN.search(part) else steps), []
        steps.append(step)
    if not any(step.claims for step in steps):
        yield from dropped  # an apology without another answer
    yield from steps


def _step(part: str, asked: Asked, pending: bool, first: bool, last: bool) -> tuple[_Step, bool]:
    """Return the step of a sentence, and whether it announces the answer that the next one states."""
    corrected = list(CORRECTED.finditer(part)) + list(IN_FACT.finditer(part))
    if corrected:
        part = part[max(match.end() for match in corrected) :]
    refusal = REFUSAL.search(part)
    if refusal:
        but = BUT.search(part, refusal.end())
        part = part[but.end() :] if but else ""
    label = next(reversed(list(LABEL.finditer(part))), None)
    behind = BEHIND.search(part)
    level, body, inner = _Level.PLAIN, part, False
    conclusion = next(reversed(list(CONCLUSION.finditer(part))), None)
    if label and not behind:
        level, body = _Level.ANSWER, part[label.end() :]
        inner = part[: label.start()].rstrip().endswith("の") or "まず" in part[: label.start()]
    elif behind:
        level, body = _Level.ANSWER, part[: behind.start()]
    elif conclusion:
        level, body = _Level.CONCLUSION, part[conclusion.end() :]
    elif (refusal and part) or corrected:
        level = _Level.CONCLUSION
    claims = [
        claim
        for claim in claims_of(body, lambda amount: _has_fitting_unit(amount, asked))
        if not asked.is_about_another(claim.subject)
    ]
    if level <= _Level.CONCLUSION and any(
        pattern.search(part) for pattern in (REASON, REMARK, CHECK, ASKING, REJECTION)
    ):
        level = _Level.NONE
    if (level <= _Level.CONCLUSION and PLAN.search(part)) or (level == _Level.PLAIN and part.startswith("|")):
        level = _Level.NONE
    if pending and claims and level < _Level.ANSWER:
        level = _Level.ANSWER
    if first and level == _Level.PLAIN and _is_bare(part, claims):
        level = _Level.ANSWER
    announces = level == _Level.ANSWER and not claims and bool(POINTS_ON.search(body) or ANNOUNCING.search(body))
    cut = last and bool(UNFINISHED.search(part) or (announces and not body.strip()))
    kept = [] if level == _Level.NONE or cut else claims
    misses = not claims and bool(claims_of(body))
    step = _Step(part, level, kept, bool(refusal), bool(corrected), cut, inner, misses)
    return step, announces or (pending and not claims)


def _has_fitting_unit(amount: Amount, asked: Asked) -> bool:
    own, wanted = amount.unit.dimension, asked.unit.dimension
    if own == "count" and not asked.counts:
        return False
    if asked.unit == BARE:
        return not asked.text or own not in ("clock", "day") or ":" in amount.written
    if wanted == "day" and "/" in amount.written:
        return True
    if wanted == "time" and own == "clock" and ":" in amount.written:
        return True
    if own == wanted == "count":
        return amount.unit.counts_like(asked.unit)
    return own == wanted or (own == "" and wanted not in ("clock", "day")) or (wanted == "speed" and own == "length")


def _final_step(steps: Sequence[_Step]) -> _Step | None:
    """Return the last step with a claim, but rather a conclusion than a plain sentence behind it that adds no
    calculation."""
    after = max((index for index, step in enumerate(steps) if step.refusal), default=-1)
    able = [
        step for index, step in enumerate(steps) if step.claims and (index >= after or step.level >= _Level.CONCLUSION)
    ]
    strong = [step for step in able if not all(claim.weak for claim in step.claims)]
    able = strong if strong or after >= 0 else able
    if not able:
        return None
    concluded = [index for index, step in enumerate(able) if step.level == _Level.CONCLUSION]
    if concluded:
        later = [step for step in able[concluded[-1] + 1 :] if re.search("[=≒]", step.text)]
        return later[-1] if later else able[concluded[-1]]
    return able[-1]


def _best(step: _Step, asked: Asked) -> Claim:
    """Return the claim of a sentence: of several with topics that whose topic is closest to the question, of others the
    last, or the first behind 「答えは」."""
    claims = [claim for claim in step.claims if len(claim.amounts) == 1] or step.claims
    if len(claims) > 1 and all(_CASE.search(claim.subject) for claim in claims):
        return Claim(tuple(amount for claim in claims for amount in claim.amounts), either=True)
    if all(re.search("[はがも]", claim.subject) for claim in claims):
        closest = max(asked.closeness(claim.subject) for claim in claims)
        claims = [claim for claim in claims if asked.closeness(claim.subject) > closest - 0.1]
    return claims[0] if step.level == _Level.ANSWER else claims[-1]


def _is_bare(part: str, claims: Sequence[Claim]) -> bool:
    """Whether a sentence is an amount and nothing else."""
    if len(claims) != 1 or len(claims[0].amounts) > 1:
        return False
    every = claims[0].amounts + claims[0].beside
    start, stop = min(amount.start for amount in every), max(amount.stop for amount in claims[0].amounts)
    rest = re.sub(r"\([^()]*\)", "", part[stop:])
    return bool(OPENING.fullmatch(part[:start]) and ENDING.fullmatch(rest))
