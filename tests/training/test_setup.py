"""The setup: what it derives is of the experiment, and an unknown weight does not get past it."""

import dataclasses
from typing import get_args, get_type_hints

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.config.experiment import Experiment, Layout, NextToken
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.registry import experiment
from tanuki_jax.lm.model.weights import ADAPTERS
from tanuki_jax.lm.objectives.make_objective import OBJECTIVES
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.training.setup import TrainSetup, flops_per_token, initial_state, state_shapes, without_adapters

TINY = dataclasses.replace(experiment.find("tiny"), layout=Layout(fsdp=8))
ADAPTED = dataclasses.replace(TINY, lora=LoRA(rank=2, dropout=0.1))


def test_every_objective_of_a_config_has_a_row() -> None:
    assert set(get_args(get_type_hints(Experiment)["objective"])) == set(OBJECTIVES)


def test_shapes_and_shardings_are_those_of_the_state() -> None:
    setup = TrainSetup(TINY, make_mesh(TINY.layout))
    state = jax.eval_shape(lambda: initial_state(TINY))
    assert str(jax.tree.structure(setup.state_shardings)) == str(jax.tree.structure(state))
    assert setup.state_shapes == state and state_shapes(TINY) is setup.state_shapes


@pytest.mark.parametrize(
    ("tried", "stochastic"),
    [
        (TINY, False),
        (ADAPTED, True),
        (dataclasses.replace(TINY, lora=LoRA(rank=2)), False),
        (dataclasses.replace(TINY, objective=NextToken(noise=5.0)), True),
    ],
)
def test_a_key_is_needed_where_something_is_random(tried: Experiment, stochastic: bool) -> None:
    assert TrainSetup(tried, make_mesh(tried.layout)).needs_rng == stochastic


def test_adapters_are_a_subtree_that_can_be_left_out() -> None:
    setup = TrainSetup(ADAPTED, make_mesh(ADAPTED.layout))
    used = jax.eval_shape(lambda: setup.used_parameters(initial_state(ADAPTED)))
    assert used[ADAPTERS].keys() == {"blocks"} and set(used[ADAPTERS]["blocks"]) == set(ADAPTED.lora.projections)
    assert without_adapters(used).keys() == {"embedding", "blocks", "norm", "output"}


def test_the_adapter_of_the_output_drops_inputs_only_with_a_key() -> None:
    of = LoRA(rank=2, dropout=0.5, projections=("output",), base="float32")
    setup = TrainSetup(dataclasses.replace(TINY, lora=of), make_mesh(TINY.layout))
    a, b = jnp.ones((TINY.model.width, 2)), jnp.ones((2, TINY.model.vocabulary))
    states_btd = jnp.ones((1, 8, TINY.model.width))
    used = setup.with_adapters({}, {"output": {"a": a, "b": b}})
    kept, dropped = (setup.low_rank_output(used, states_btd, key) for key in (None, jax.random.key(0)))
    assert kept is not None and dropped is not None
    np.testing.assert_array_equal(kept.states_btr, TINY.model.width)
    assert len(np.unique(dropped.states_btr)) > 1
    np.testing.assert_array_equal(dropped.b_rv, of.scale)
    assert setup.low_rank_output(without_adapters(used), states_btd) is None


def test_frozen_weights_cost_no_gradients() -> None:
    assert flops_per_token(ADAPTED) < flops_per_token(TINY)
