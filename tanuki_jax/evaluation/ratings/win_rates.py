"""Shares of battles that were won, of each model and of each pair, beside those that the ratings predict."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tanuki_jax.evaluation.ratings.battles import SCORES, Battle
from tanuki_jax.evaluation.ratings.bradley_terry import expected_score


class WinRate(NamedTuple):
    """Results of a model. Battles are counted without their weights."""

    battles: int
    wins: int
    losses: int
    ties: int
    both_bad: int

    @property
    def win_rate(self) -> float:
        """Wins by all battles, those without a winner included, as on the deck's board."""
        return self.wins / self.battles

    @property
    def score(self) -> float:
        """Wins by all battles, where a tie and two bad answers are half a win."""
        return (self.wins + (self.ties + self.both_bad) / 2) / self.battles


class PairResult(NamedTuple):
    """Battles of two models."""

    model: str
    other: str
    battles: int
    wins: int
    """Wins of `model`."""
    losses: int
    ties: int
    both_bad: int
    score: float
    """Share of `model`, by weight, where a tie and two bad answers are half a win."""
    predicted: float
    """Score of `model` that the ratings predict; NaN if one of the two has none."""


_OUTCOMES = {"tie": "ties", "both_bad": "both_bad"}


def win_rates(battles: Iterable[Battle]) -> dict[str, WinRate]:
    """Return the results of each model, the highest win rate first; equal ones by name."""
    counts: dict[str, Counter[str]] = {}
    for battle in battles:
        for side, model in (("model_a", battle.model_a), ("model_b", battle.model_b)):
            counts.setdefault(model, Counter())[_outcome(battle, side)] += 1
    rates = {
        model: WinRate(count.total(), count["wins"], count["losses"], count["ties"], count["both_bad"])
        for model, count in counts.items()
    }
    return dict(sorted(rates.items(), key=lambda item: (-item[1].win_rate, item[0])))


def pair_results(battles: Iterable[Battle], ratings: Mapping[str, float]) -> list[PairResult]:
    """Return the results of all pairs that met, sorted; each pair once, the better rated model first."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    scores: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for battle in battles:
        a, b = battle.model_a, battle.model_b
        forth = (-ratings.get(a, float("-inf")), a) < (-ratings.get(b, float("-inf")), b)
        pair = (a, b) if forth else (b, a)
        counts.setdefault(pair, Counter())[_outcome(battle, "model_a" if forth else "model_b")] += 1
        score = SCORES[battle.winner]
        scores.setdefault(pair, []).append((battle.weight, score if forth else 1 - score))
    results = []
    for (model, other), count in sorted(counts.items()):
        votes = scores[model, other]
        score = sum(weight * score for weight, score in votes) / sum(weight for weight, _ in votes)
        rated = model in ratings and other in ratings
        predicted = expected_score(ratings[model], ratings[other]) if rated else float("nan")
        results.append(
            PairResult(
                model,
                other,
                count.total(),
                count["wins"],
                count["losses"],
                count["ties"],
                count["both_bad"],
                score,
                predicted,
            )
        )
    return results


def _outcome(battle: Battle, side: str) -> str:
    return _OUTCOMES.get(battle.winner) or ("wins" if battle.winner == side else "losses")
