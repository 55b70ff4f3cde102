import math

import numpy as np

from tanuki_jax.training.explain.layer_movement import first_moves, trajectories
from tanuki_jax.training.explain.replay import Observation

GROUPS = ["embedding", "layer 0", "layer 1", "norm"]


def observation(step: int, activations: list[float], accepted: bool | None = True, load: float = 0.5) -> Observation:
    gradients_g = np.array([1.0, 1.0, 1.0, 1.0])
    return Observation(step, 1.0, accepted, np.array(activations), gradients_g, np.array([[load, 1 - load]] * 2))


def test_the_layer_that_moves_first_is_named_first() -> None:
    """Layer 1 doubles at step 9, layer 0 grows tenfold at step 10; at step 11 layer 0 is no longer finite."""
    calm = [observation(step, [1.0, 4.0]) for step in range(1, 9)]
    odd = [observation(9, [1.0, 8.0]), observation(10, [10.0, 8.0]), observation(11, [math.nan, 16.0], accepted=False)]
    known = trajectories([*calm, *odd], GROUPS, first=9)
    assert [trajectory.name for trajectory in known] == ["activations", "gradient", "largest load of an expert"]
    np.testing.assert_allclose(known[0].ratios_ng[8:10], [[1, 2], [10, 2]])
    moves = first_moves(known, first=9)
    assert [(move.step, move.group, move.name) for move in moves] == [
        (9, "layer 1", "activations"),
        (10, "layer 0", "activations"),
    ]
    np.testing.assert_allclose([move.deviations for move in moves], [math.log(2) / 0.05, math.log(10) / 0.05])


def test_changes_from_step_to_step_define_what_is_usual() -> None:
    """Values change by a factor of 2 at every step: 8 times the median is log 8 / (1.4826 log 2), two deviations."""
    restless = [observation(step, [2.0 ** (step % 2), 1.0]) for step in range(1, 9)]
    known = trajectories([*restless, observation(9, [8 * 2**0.5, 1.0])], GROUPS, first=9)
    np.testing.assert_allclose(known[0].deviations_ng[-1, 0], 3 / 1.4826)
    assert first_moves(known, first=9) == []


def test_a_value_that_is_not_finite_has_moved() -> None:
    calm = [observation(step, [1.0, 4.0]) for step in range(1, 9)]
    (move,) = first_moves(trajectories([*calm, observation(9, [1.0, math.inf])], GROUPS, first=9), first=9)
    assert (move.group, move.ratio) == ("layer 1", math.inf)


def test_rejected_and_untrained_steps_do_not_define_what_is_usual() -> None:
    still = [observation(step, [100.0, 1.0], accepted=None) for step in range(1, 5)]
    trained = [observation(step, [1.0, 1.0]) for step in range(5, 9)]
    rejected = [observation(9, [50.0, 1.0], accepted=False)]
    known = trajectories([*still, *trained, *rejected, observation(10, [1.0, 1.0])], GROUPS, first=10)
    assert known[0].ratios_ng[-1, 0] == 1


def test_too_few_steps_give_no_trajectory() -> None:
    lost = [observation(step, [1.0, 1.0])._replace(loss=math.nan) for step in range(1, 9)]
    assert trajectories([*lost, observation(9, [1.0, 1.0])], GROUPS, first=9) == []
    assert trajectories([observation(step, [1.0, 1.0]) for step in range(1, 4)], GROUPS, first=4) == []
