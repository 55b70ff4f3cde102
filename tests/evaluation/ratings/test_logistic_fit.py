"""Maximum likelihood agrees with scikit-learn, in many weightings at once."""

import numpy as np
import pytest

from tanuki_jax.evaluation.ratings.logistic_fit import Floats, Rows, fit


def oracle(rows: Rows, wins: Floats, totals: Floats) -> Floats:
    """Return strengths with mean 0, and coefficients, by scikit-learn."""
    from sklearn.linear_model import LogisticRegression

    number = np.arange(len(rows.first))
    design = np.zeros((len(number), rows.models + rows.covariates.shape[1]))
    design[number, rows.first], design[number, rows.second] = 1, -1
    design[:, rows.models :] = rows.covariates
    regression = LogisticRegression(fit_intercept=False, C=np.inf, tol=1e-10, max_iter=10_000)
    labels = np.repeat([1, 0], len(number))
    regression.fit(np.concatenate([design, design]), labels, sample_weight=np.concatenate([wins, totals - wins]))
    found = regression.coef_[0]
    found[: rows.models] -= found[: rows.models].mean()
    return found


@pytest.mark.parametrize("features", [0, 2])
def test_each_weighting_agrees_with_scikit_learn(features: int) -> None:
    random = np.random.default_rng(features)
    pairs = np.sort(np.concatenate([random.permuted(np.tile(np.arange(6), (80, 1)), axis=1)[:, :2], [[0, 1], [4, 5]]]))
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    rows = Rows(pairs[:, 0], pairs[:, 1], random.normal(size=(len(pairs), features)), 6)
    totals = random.integers(0, 4, (5, len(pairs))) + random.random((5, len(pairs)))
    wins = totals * random.choice([0, 0.5, 1], (5, len(pairs)))
    found = fit(rows, wins, totals, np.ones((5, 6), bool))
    expected = np.array([oracle(rows, wins[number], totals[number]) for number in range(5)])
    np.testing.assert_allclose(np.hstack([found.strengths, found.coefficients]), expected, atol=2e-4)


def test_models_that_are_not_included_change_nothing() -> None:
    rows = Rows(np.array([0, 0, 1]), np.array([1, 2, 2]), np.empty((3, 0)), 3)
    wins, totals = np.array([[3.0, 5.0, 5.0]]), np.array([[4.0, 5.0, 5.0]])
    found = fit(rows, wins, totals, np.array([[True, True, False]])).strengths[0]
    assert found[0] - found[1] == pytest.approx(np.log(3)) and np.isnan(found[2])


def test_a_feature_that_decides_everything_has_no_finite_fit() -> None:
    rows = Rows(np.array([0, 0, 0]), np.array([1, 1, 1]), np.array([[1.0], [-1.0], [0.5]]), 2)
    wins, totals = np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]), np.ones((2, 3))
    found = fit(rows, wins, totals, np.ones((2, 2), bool))
    assert np.isnan(found.strengths[0]).all() and np.isnan(found.coefficients[0]).all()
    assert np.isfinite(found.strengths[1]).all() and np.isfinite(found.coefficients[1]).all()


@pytest.mark.parametrize("size", [0.1, 1.0, 2.0, 10.0])
def test_a_rare_feature_that_decides_its_battles_has_no_finite_fit(size: float) -> None:
    covariates = np.array([0.0] * 60 + [size] * 20)[:, None]
    rows = Rows(np.zeros(80, int), np.ones(80, int), covariates, 2)
    wins = np.array([[1.0, 0.0] * 30 + [1.0] * 20, [1.0, 0.0] * 30 + [1.0] * 19 + [0.0]])
    found = fit(rows, wins, np.ones((2, 80)), np.ones((2, 2), bool))
    assert np.isnan(found.strengths[0]).all() and np.isnan(found.coefficients[0]).all()
    assert found.coefficients[1, 0] * size == pytest.approx(np.log(19))


def test_a_feature_that_no_battle_has_gets_no_effect() -> None:
    rows = Rows(np.array([0, 0]), np.array([1, 1]), np.array([[0.0], [1.0]]), 2)
    found = fit(rows, np.array([[3.0, 0.0]]), np.array([[4.0, 0.0]]), np.ones((1, 2), bool))
    assert found.coefficients.tolist() == [[0.0]] and found.strengths[0, 0] == pytest.approx(np.log(3) / 2)


def test_rare_losses_are_fitted_exactly() -> None:
    rows = Rows(np.array([0]), np.array([1]), np.empty((1, 0)), 2)
    found = fit(rows, np.array([[999_999.0]]), np.array([[1_000_000.0]]), np.ones((1, 2), bool)).strengths[0]
    assert found[0] - found[1] == pytest.approx(np.log(999_999), rel=1e-9)
