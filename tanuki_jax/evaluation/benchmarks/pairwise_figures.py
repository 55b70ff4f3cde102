"""Figures of all comparisons with a baseline together: how far the judge can be trusted, and ratings.

The ratings are Bradley-Terry's, with the baseline at 1000: as they are, at equal length, and at equal style (length and
Markdown, which few questions may not be enough for). Each order is a battle, questions are drawn anew for the
intervals, and a clear win counts as three, as in arena-hard.
"""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.benchmark import Item, Scores
from tanuki_jax.evaluation.ratings.battles import Battle, Winner
from tanuki_jax.evaluation.ratings.bootstrap_ratings import Board, rate_with_intervals
from tanuki_jax.evaluation.ratings.style_control import rate_at_equal_style
from tanuki_jax.evaluation.ratings.text_style import FEATURES, style_of

MODEL_FIRST, BASELINE_FIRST = "verdict_model_first", "verdict_baseline_first"
"""Names of the verdicts in both orders: from -2, the baseline is much better, to 2, the model is much better."""
VERDICTS: Mapping[str, int] = {"A>>B": 2, "A>B": 1, "A=B": 0, "B>A": -1, "B>>A": -2}
"""Verdict of a judge -> how far the answer that stands first is better."""
STRONG_WEIGHT = 3.0
"""Battles that a clear win counts as."""
MANY = 10
"""Number of verdicts after which a judge that always says the same is suspicious."""
_MODEL, _BASELINE = "model", "baseline"
_log = logging.getLogger(__name__)


def style_values(own: str, other: str) -> dict[str, float]:
    """Return the style of both answers as values of an item.

    Args:
        own: answer of the model.
        other: answer of the baseline.
    """
    return {
        f"{side}_{name}": value
        for side, text in ((_MODEL, own), (_BASELINE, other))
        for name, value in style_of(text).items()
    }


def figures_of(name: str, scored: Sequence[tuple[Item, Scores]]) -> dict[str, float]:
    """Return the figures, by name. Ratings that cannot be given are left out, and a warning says why.

    Args:
        name: name of the benchmark, for warnings.
        scored: items with their scores.
    """
    figures = judge_figures([scores.values for _, scores in scored])
    if always := constant_verdict([scores.values for _, scores in scored]):
        _log.warning("%s: the judge always said %s, whatever stood first; its verdicts say nothing", name, always)
        return figures
    battles = [battle for item, scores in scored for battle in battles_of(item, scores.values)]
    if reason := why_no_rating(battles):
        _log.warning("%s: there is no rating: %s", name, reason)
        return figures
    figures |= _shown("rating", rate_with_intervals(battles, _BASELINE, models=[_MODEL], unit="cluster"))
    for style, features in (("length", ("length",)), ("style", FEATURES)):
        try:
            found = rate_at_equal_style(battles, _BASELINE, features=features, models=[_MODEL], unit="cluster")
        except InputError as error:
            # What the error advises is for people who collect votes.
            _log.warning("%s: there is no rating at equal %s: %s", name, style, str(error).partition("; ")[0])
            continue
        effects = {f"effect_of_{feature}": effect.coefficient for feature, effect in found.effects.items()}
        figures |= _shown(f"rating_at_equal_{style}", found.board) | effects
    return figures


def why_no_rating(battles: Sequence[Battle]) -> str:
    """Return the reason why the verdicts on a model and its baseline give no rating; empty: they give one."""
    winners = {battle.winner for battle in battles}
    if not winners:
        return "no question has a verdict in both orders"
    if len({battle.cluster for battle in battles}) == 1:
        return "only one question has a verdict in both orders, and an interval needs two"
    for winner, end, other in (("model_a", "won", "stronger"), ("model_b", "lost", "weaker")):
        if winners == {winner}:
            return f"the model {end} every comparison, so that no finite rating fits; a {other} baseline gives one"
    return ""


def judge_figures(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return what the verdicts say of the judge.

    `agreement` is the share of questions with the same winner in both orders, `first_place` the share of verdicts for
    the answer that stands first, of those with a winner (a fair judge: 0.5), and `ties` the share of verdicts without
    one. A judge that always chooses the first answer has an agreement of 0.

    Args:
        values: values of the items.
    """
    whole = [each for each in values if {MODEL_FIRST, BASELINE_FIRST} <= each.keys()]
    both = [(each[MODEL_FIRST], each[BASELINE_FIRST]) for each in whole]
    placed = list(_for_the_first_place(values))
    decided = [each for each in placed if each]
    figures = {}
    if both:
        figures["agreement"] = sum(_sign(first) == _sign(second) for first, second in both) / len(both)
    if decided:
        figures["first_place"] = sum(each > 0 for each in decided) / len(decided)
    if placed:
        figures["ties"] = 1 - len(decided) / len(placed)
    return figures


def constant_verdict(values: Sequence[Mapping[str, float]]) -> str:
    """Return the verdict that a judge always gave, as in A>B; empty: it gave others too, or few.

    Args:
        values: values of the items.
    """
    placed = list(_for_the_first_place(values))
    if len(placed) < MANY or len({*placed}) > 1:
        return ""
    return next(name for name, value in VERDICTS.items() if value == placed[0])


def battles_of(item: Item, values: Mapping[str, float]) -> Iterator[Battle]:
    """Yield both battles of a question; none if a verdict could not be read.

    A question to which the model gave no answer is lost twice, without a difference in style.

    Args:
        item: question.
        values: its values.
    """
    if "win" not in values:
        return
    own, other = ({name: values.get(f"{side}_{name}", 0.0) for name in FEATURES} for side in (_MODEL, _BASELINE))
    for order in (MODEL_FIRST, BASELINE_FIRST):
        verdict = values.get(order, -1.0)
        winner: Winner = "tie" if verdict == 0 else "model_a" if verdict > 0 else "model_b"
        weight = STRONG_WEIGHT if abs(verdict) > 1 else 1.0
        yield Battle(_MODEL, _BASELINE, winner, cluster=item.id, weight=weight, style_a=own, style_b=other)


def _for_the_first_place(values: Sequence[Mapping[str, float]]) -> Iterator[float]:
    """Yield the verdicts as seen from the answer that stood first."""
    for each in values:
        if MODEL_FIRST in each:
            yield each[MODEL_FIRST]
        if BASELINE_FIRST in each:
            yield -each[BASELINE_FIRST]


def _sign(verdict: float) -> int:
    return (verdict > 0) - (verdict < 0)


def _shown(name: str, board: Board) -> dict[str, float]:
    """Return rating and interval of the model; a bound that the battles do not hold is left out."""
    found = board.models[_MODEL]
    figures = {name: found.rating, f"{name}_low": found.low, f"{name}_high": found.high}
    return {name: value for name, value in figures.items() if math.isfinite(value)}
