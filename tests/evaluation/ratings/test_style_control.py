"""Style control gives the true ratings back where length counts, and changes nothing where it does not."""

from dataclasses import replace

import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.ratings.battles import Battle
from tanuki_jax.evaluation.ratings.bootstrap_ratings import rate_with_intervals
from tanuki_jax.evaluation.ratings.style_control import rate_at_equal_style
from tests.evaluation.ratings.measure_ratings import simulation
from tests.evaluation.ratings.simulated_votes import ANCHOR, simulated_votes
from tests.evaluation.ratings.test_bradley_terry import swapped

EFFECT = 1.5


def with_styles(battle: Battle) -> Battle:
    """Return the swapped battle with its answers' styles."""
    return replace(swapped(battle), style_a=battle.style_b, style_b=battle.style_a)


def test_a_planted_effect_of_length_is_taken_out_of_the_ratings() -> None:
    controlled = simulation(range(12), length_effect=EFFECT, controlled=True, repetitions=200)
    plain = simulation(range(12), length_effect=EFFECT, repetitions=200)
    assert 0.87 <= controlled.coverage <= 0.99 and controlled.effect_coverage is not None
    assert controlled.effect_coverage >= 0.75
    assert plain.coverage < controlled.coverage - 0.1


@pytest.mark.long
@pytest.mark.parametrize("effect", [0.0, EFFECT])
def test_ratings_at_equal_length_cover_the_true_ones(effect: float) -> None:
    found = simulation(range(200), length_effect=effect, controlled=True, repetitions=500)
    assert 0.92 <= found.coverage <= 0.97 and found.far_pairs_in_order >= 0.95, found
    assert found.effect_coverage is not None and 0.9 <= found.effect_coverage <= 0.99


def test_without_an_effect_the_ratings_stay_in_their_intervals() -> None:
    for seed in range(5):
        battles = simulated_votes(np.random.default_rng(seed), length_effect=0.0)
        plain = rate_with_intervals(battles, ANCHOR, repetitions=200).models
        controlled = rate_at_equal_style(battles, ANCHOR, features=["length"], repetitions=200).board.models
        assert all(plain[name].low <= model.rating <= plain[name].high for name, model in controlled.items())


def test_sides_change_no_rating_at_equal_style() -> None:
    battles = simulated_votes(np.random.default_rng(1), length_effect=EFFECT)[:800]
    turned = [battle if number % 3 else with_styles(battle) for number, battle in enumerate(battles)]
    one, other = (
        rate_at_equal_style(votes, ANCHOR, features=["length"], repetitions=20) for votes in (battles, turned)
    )
    for name, model in one.board.models.items():
        assert other.board.models[name] == pytest.approx(model, abs=1e-6)
    assert other.effects["length"] == pytest.approx(one.effects["length"])


def test_ratings_and_effects_equal_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    battles = simulated_votes(np.random.default_rng(2), length_effect=EFFECT)
    found = rate_at_equal_style(battles, ANCHOR, features=["length"], repetitions=2)
    names = sorted(found.board.models)
    design = np.zeros((len(battles), len(names) + 1))
    for row, battle in zip(design, battles, strict=True):
        row[names.index(battle.model_a)], row[names.index(battle.model_b)] = 1, -1
        a, b = battle.style_a["length"], battle.style_b["length"]
        row[-1] = (a - b) / (a + b) / found.effects["length"].scale
    assert np.sqrt((design[:, -1] ** 2).mean()) == pytest.approx(1)
    labels = [battle.winner == "model_a" for battle in battles]
    weights = LogisticRegression(fit_intercept=False, C=np.inf, tol=1e-10, max_iter=10_000).fit(design, labels).coef_[0]
    assert found.effects["length"].coefficient == pytest.approx(weights[-1], abs=1e-4)
    points = 400 / np.log(10) * (weights[:-1] - weights[names.index(ANCHOR)]) + 1000
    assert [found.board.models[name].rating for name in names] == pytest.approx(points.tolist(), abs=0.05)


def styled(a: float, b: float, winner: bool, **more: tuple[float, float]) -> Battle:
    styles = {"length": (a, b)} | more
    return Battle(
        "x",
        "y",
        "model_a" if winner else "model_b",
        style_a={name: pair[0] for name, pair in styles.items()},
        style_b={name: pair[1] for name, pair in styles.items()},
    )


MIXED = [styled(10, 20, True), styled(30, 20, True), styled(10, 30, False), styled(50, 20, False)] * 3


def test_a_feature_in_which_no_answers_differ_is_named() -> None:
    battles = [
        replace(battle, style_a={**battle.style_a, "bold": 0}, style_b={**battle.style_b, "bold": 0})
        for battle in MIXED
    ]
    found = rate_at_equal_style(battles, "x", features=["bold", "length"], repetitions=20)
    assert found.constant == ("bold",) and list(found.effects) == ["length"]


@pytest.mark.parametrize(
    ("battles", "features", "message"),
    [
        ([*MIXED, Battle("x", "y", "tie")], ["length"], "1 of 13 battles do not say 'length' of both answers"),
        ([styled(10, 30, True), styled(10, 30, False)], ["length"], "the feature 'length' follows from the models"),
        (
            [styled(10, 20, True, bold=(1, 2)), styled(20, 10, False, bold=(2, 1)), styled(5, 5, True, bold=(3, 3))],
            ["length", "bold"],
            "the feature 'bold' follows from the models and the other",
        ),
        (
            [styled(20, 10, True), styled(10, 20, False), styled(30, 10, True), styled(12, 10, True)],
            ["length"],
            r"a feature decides each battle in which it differs \(length\)",
        ),
    ],
)
def test_features_that_say_nothing_are_refused(battles: list[Battle], features: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        rate_at_equal_style(battles, "x", features=features, repetitions=2)
