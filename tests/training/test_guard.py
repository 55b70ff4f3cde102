"""Rejection of bad steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.config.experiment import Guard
from tanuki_jax.training.guard import judge, remember, window
from tests.training.rivals import healthy

GUARD = Guard(window=32)


def judged(steps: list[tuple[float, float]], guard: Guard = GUARD) -> list[int]:
    """Return the indices of the steps that the guard rejects."""

    @jax.jit
    def one(known: dict[str, jax.Array], loss: jax.Array, norm: jax.Array) -> tuple[dict[str, jax.Array], jax.Array]:
        accepted, _ = judge(known, loss, norm, guard)
        after = remember(known, loss, norm)
        return jax.tree.map(lambda new, old: jnp.where(accepted, new, old), after, known), accepted

    known, rejected = jax.tree.map(jnp.asarray, window(guard.window)), []
    for index, (loss, norm) in enumerate(steps):
        known, accepted = one(known, jnp.float32(loss), jnp.float32(norm))
        if not accepted:
            rejected.append(index)
    return rejected


@pytest.mark.parametrize("seed", range(5))
def test_healthy_steps_are_accepted(seed: int) -> None:
    assert judged(healthy(1000, seed)) == []


BAD = [(float("nan"), 1.0), (2.5, float("nan")), (float("inf"), 1.0), (2.5, float("inf")), (9.0, 1.0), (2.5, 400.0)]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("bad_steps", [[100], [100, 101, 102, 103, 104], [40, 90, 300]])
def test_exactly_the_bad_steps_are_rejected(bad: tuple[float, float], bad_steps: list[int]) -> None:
    steps = healthy(400)
    for index in bad_steps:
        steps[index] = bad
    assert judged(steps) == bad_steps


def test_large_steps_are_rejected_only_when_enough_steps_are_known() -> None:
    steps = healthy(40)
    steps[0], steps[5], steps[8], steps[15] = (float("nan"), 1.0), (2.5, float("inf")), (30.0, 1.0), (30.0, 1.0)
    assert judged(steps) == [0, 5]
    steps[30] = (30.0, 1.0)
    assert judged(steps) == [0, 5, 30]


def test_without_deviations_only_non_finite_steps_are_rejected() -> None:
    steps = healthy(100)
    steps[60], steps[70] = (30.0, 500.0), (float("nan"), 1.0)
    assert judged(steps, Guard(window=32, deviations=0)) == [70]


def test_deviations_measure_how_far_a_step_is_too_large() -> None:
    """Median 2, median absolute deviation .1; that of the norms is below the least assumed, .2 in logarithms."""
    known = jax.tree.map(jnp.asarray, window(8, [1.9, 2.1] * 4, [1.0] * 8))
    # eight steps are less than half of GUARD's window
    assert float(judge(known, jnp.float32(5.0), jnp.float32(1.0), GUARD)[1]) == 0
    guard = Guard(window=8)
    assert float(judge(known, jnp.float32(5.0), jnp.float32(1.0), guard)[1]) == pytest.approx(3 / 0.14826, rel=1e-5)
    assert float(judge(known, jnp.float32(2.0), jnp.exp(jnp.float32(4)), guard)[1]) == pytest.approx(20, rel=1e-5)


def test_a_window_remembers_the_last_steps() -> None:
    known = window(4, [1.0, 2.0, 3.0, 4.0, 5.0], [7.0])
    np.testing.assert_array_equal(known["losses"], np.array([2, 3, 4, 5], np.float32))
    np.testing.assert_array_equal(known["gradient_norms"], np.array([np.nan, np.nan, np.nan, 7], np.float32))
