"""Ratings equal those of a logistic regression, and depend only on who won against whom."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.ratings.battles import Battle, Winner
from tanuki_jax.evaluation.ratings.bradley_terry import expected_score, rate
from tests.evaluation.ratings.simulated_votes import ANCHOR, NAMES, simulated_votes

OPPOSITE: dict[Winner, Winner] = {"model_a": "model_b", "model_b": "model_a", "tie": "tie", "both_bad": "both_bad"}


def swapped(battle: Battle) -> Battle:
    return replace(battle, model_a=battle.model_b, model_b=battle.model_a, winner=OPPOSITE[battle.winner])


def by_regression(battles: list[Battle], anchor: str) -> dict[str, float]:
    """Rate as the deck's authors did: logistic regression of scikit-learn, a tie as half a battle won by each."""
    from sklearn.linear_model import LogisticRegression

    names = sorted({name for battle in battles for name in (battle.model_a, battle.model_b)})
    design, labels, weights = [], [], []
    for battle in battles:
        row = np.zeros(len(names))
        row[names.index(battle.model_a)], row[names.index(battle.model_b)] = math.log(10), -math.log(10)
        for label, share in ((1, {"model_a": 1.0, "model_b": 0.0}.get(battle.winner, 0.5)),):
            design += [row, row]
            labels += [label, 1 - label]
            weights += [share * battle.weight, (1 - share) * battle.weight]
    regression = LogisticRegression(fit_intercept=False, C=np.inf, tol=1e-10, max_iter=10_000)
    regression.fit(np.array(design), labels, sample_weight=weights)
    points = 400 * regression.coef_[0]
    return dict(zip(names, (points - points[names.index(anchor)] + 1000).tolist(), strict=True))


@pytest.mark.parametrize("ties", [0.0, 0.75, 1.0])
def test_ratings_of_votes_from_the_board_equal_scikit_learn(ties: float) -> None:
    battles = simulated_votes(np.random.default_rng(7), ties=ties)
    found, expected = rate(battles, ANCHOR).ratings, by_regression(battles, ANCHOR)
    assert max(abs(found[name] - expected[name]) for name in NAMES) < 0.05
    assert list(found.values()) == sorted(found.values(), reverse=True) and found[ANCHOR] == 1000


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd"), st.sampled_from(sorted(OPPOSITE)))))
def test_few_votes_equal_scikit_learn_or_are_refused(rows: list[tuple[str, str, Winner]]) -> None:
    battles = [Battle(a, b, winner, weight=1 + number % 3) for number, (a, b, winner) in enumerate(rows) if a != b]
    try:
        found = rate(battles, "a").ratings
    except InputError:
        return
    assert found == pytest.approx(by_regression(battles, "a"), abs=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_sides_order_and_repetition_change_no_rating(seed: int) -> None:
    random = np.random.default_rng(seed)
    battles = simulated_votes(random, ties=0.5)[:800]
    expected = rate(battles, ANCHOR).ratings
    every = [swapped(battle) for battle in battles]
    some = [swapped(battle) if random.random() < 0.5 else battle for battle in battles]
    for changed in (every, some, battles * 2, [battles[place] for place in random.permutation(len(battles))]):
        assert rate(changed, ANCHOR).ratings == pytest.approx(expected, abs=1e-6)


def test_a_model_that_met_nobody_is_left_out_and_named() -> None:
    battles = simulated_votes(np.random.default_rng(3))
    alone, plain = rate(battles, ANCHOR, models=[*NAMES, "new", "another"]), rate(battles, ANCHOR)
    assert alone.ratings == plain.ratings
    assert (alone.left_out, plain.left_out) == (("another", "new"), ())


@pytest.mark.parametrize("winner", ["tie", "both_bad"])
def test_ties_alone_give_equal_ratings(winner: Winner) -> None:
    battles = [Battle("a", "b", winner), Battle("b", "c", winner), Battle("c", "d", winner), Battle("c", "b", winner)]
    assert rate(battles, "c").ratings == pytest.approx(dict.fromkeys("abcd", 1000), abs=1e-9)


def test_ten_wins_for_each_loss_are_400_points() -> None:
    battles = [Battle("a", "b", "model_a")] * 10 + [Battle("a", "b", "model_b"), Battle("b", "c", "tie")]
    assert rate(battles, "b").ratings == pytest.approx({"a": 1400, "b": 1000, "c": 1000})
    assert rate(battles, "a").ratings == pytest.approx({"a": 1000, "b": 600, "c": 600})


def test_a_ladder_of_20_models_is_rated_exactly() -> None:
    """Each beats the next 1,000 to 1, which are 1,200 points."""
    rungs = [f"m{number:02d}" for number in range(20)]
    battles = [
        battle
        for one, other in itertools.pairwise(rungs)
        for battle in (Battle(one, other, "model_a", weight=1_000), Battle(other, one, "model_a"))
    ]
    assert rate(battles, "m00").ratings == pytest.approx({name: 1000 - 1200 * n for n, name in enumerate(rungs)})


def test_a_weight_counts_as_that_many_battles() -> None:
    twice = rate([Battle("a", "b", "model_a", weight=3), Battle("b", "a", "model_a")], "a").ratings
    assert twice["b"] == pytest.approx(1000 - 400 * math.log10(3))


@pytest.mark.parametrize(
    ("battles", "anchor", "message"),
    [
        ([], "a", "there are no battles to rate"),
        ([Battle("a", "b", "tie")], "c", "the anchor 'c' has no battle; name one that has, such as 'a'"),
        (
            [Battle("gpt-4o", "b", "tie")],
            "gpt4o",
            "there is no model 'gpt4o' to be the anchor; the nearest is 'gpt-4o'",
        ),
        ([Battle("a", "b", "model_a")], "a", "a never lost to or tied with any of the others"),
        ([Battle("a", "b", "tie"), Battle("c", "d", "tie")], "a", "2 groups that never met"),
    ],
)
def test_what_cannot_be_rated_is_refused(battles: list[Battle], anchor: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        rate(battles, anchor, models=["c"])


def test_expected_scores_follow_the_scale() -> None:
    assert expected_score(1400, 1000) == pytest.approx(10 / 11)
    assert expected_score(1000, 1400) == pytest.approx(1 / 11)
    assert expected_score(1234, 1234) == 0.5
