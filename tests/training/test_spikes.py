"""Rules for spikes, on synthetic losses."""

import random
from collections.abc import Iterable

import pytest

from tanuki_jax.config.experiment import Rewind
from tanuki_jax.training.loss_history import LossHistory
from tanuki_jax.training.spikes import find_spike, follow, reset

REWIND = Rewind(max_rejected=3, window=10, raised_steps=20)


def first_spike(
    losses: Iterable[float], rejected: Iterable[int] = (), rewind: Rewind = REWIND
) -> tuple[int, int, str] | None:
    """Return the first step of the spike, the step at which it is recognised, and the reason."""
    history, without = LossHistory(), set(rejected)
    for step, loss in enumerate(losses, 1):
        history = follow(history, rewind, step, loss, accepted=step not in without)
        if found := find_spike(history, rewind, step):
            return found[0], step, found[1]
    return None


def noisy(steps: int, seed: int = 0) -> list[float]:
    """Return losses that fall from 4 towards 2, with noise."""
    chance = random.Random(seed)
    return [2 + 2 / (1 + step / 50) + chance.gauss(0, 0.05) for step in range(steps)]


@pytest.mark.parametrize("seed", range(20))
def test_a_falling_loss_with_noise_is_no_spike(seed: int) -> None:
    assert first_spike(noisy(3000, seed)) is None


def test_a_spike_of_rejected_steps_begins_with_the_first_of_them() -> None:
    assert first_spike([3.0] * 40, rejected=(5, 17, 20, 26)) == (17, 26, "3 of the steps from 17 to 26 were rejected")
    assert first_spike([3.0] * 40, rejected=(5, 16, 20, 26)) is None


def test_a_loss_that_stays_high_is_a_spike_and_a_short_peak_is_not() -> None:
    losses = noisy(400)
    for step in range(200, 203):
        losses[step] += 2
    assert first_spike(losses) is None
    for step in range(200, 400):
        losses[step] = 3.5
    found = first_spike(losses)
    assert found is not None
    first, recognised, reason = found
    assert 190 <= first <= 201 and 210 <= recognised <= 216
    assert "the loss has been above its level of 2.4" in reason


def test_a_slow_rise_is_a_spike_too() -> None:
    losses = noisy(500)
    losses[300:] = [losses[300] + 0.01 * step for step in range(200)]
    found = first_spike(losses)
    assert found is not None and 300 <= found[0] < 340


def test_zeros_disable_the_rules() -> None:
    losses = [*noisy(200), *[5.0] * 200]
    assert first_spike(losses, rejected=range(100, 120), rewind=Rewind(max_rejected=0, raised_steps=0)) is None


def test_another_level_is_no_spike_after_a_reset() -> None:
    history = LossHistory()
    for step in range(1, 100):
        history = follow(history, REWIND, step, 2.0, accepted=step != 98)
    history = reset(history)
    assert history.rejected == (98,)
    for step in range(100, 200):
        history = follow(history, REWIND, step, 5.0, accepted=True)
        assert find_spike(history, REWIND, step) is None
    assert history.level == pytest.approx(5.0)
