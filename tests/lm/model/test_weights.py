"""The table of weights: rows and parameters are the same, and a name means nothing by its ending."""

import dataclasses
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.hugging_face.families import FAMILIES, family_of
from tanuki_jax.checkpoints.hugging_face.tensors import tensors
from tanuki_jax.config.lora import OUTSIDE, LoRA, Projection
from tanuki_jax.config.model import Model, RopeScaling
from tanuki_jax.lm.model import lora
from tanuki_jax.lm.model.transformer import initialise
from tanuki_jax.lm.model.weights import (
    ADAPTERS,
    count_active_parameters,
    count_parameters,
    flatten,
    locate,
    nest,
    shapes,
    weights,
)
from tanuki_jax.training.setup import without_adapters

DENSE = Model(vocabulary=64, width=32, hidden=48, layers=4, heads=4, kv_heads=2)
MODELS = {
    "dense": DENSE,
    "tied": dataclasses.replace(DENSE, tied=True),
    "mixture": dataclasses.replace(DENSE, experts=4),
    "QK-norm": dataclasses.replace(DENSE, qk_norm=True, explicit_head_dim=16),
    "one dense, then experts": dataclasses.replace(DENSE, experts=4, dense_layers=1),
    "windows": dataclasses.replace(DENSE, window=8, global_every=2),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_parameters_are_those_of_the_rows(model: Model) -> None:
    made = initialise(model, jax.random.key(0))
    assert {path: array.shape for path, array in flatten(made)} == {
        path: row.shape for path, row in weights(model).items()
    }
    assert jax.tree.map(jnp.shape, made) == jax.tree.map(lambda leaf: leaf.shape, shapes(model))
    assert count_parameters(model) == sum(array.size for array in jax.tree.leaves(made))
    assert jax.tree.map(np.shape, nest(dict(flatten(made)))) == jax.tree.map(np.shape, made)


def test_only_the_experts_of_a_token_are_active() -> None:
    model = dataclasses.replace(DENSE, experts=4, experts_per_token=2, dense_layers=1)
    idle = 2 * 3 * (model.layers - 1) * model.width * model.hidden
    assert count_parameters(model) - count_active_parameters(model) == idle


def test_what_lora_may_adapt_is_what_the_rows_say() -> None:
    adaptable = {
        path.rpartition(".")[2] for model in MODELS.values() for path, row in weights(model).items() if row.adapter
    }
    assert adaptable == set(get_args(Projection))


def test_what_may_be_quantized_is_in_the_layers() -> None:
    rows = weights(dataclasses.replace(DENSE, experts=4, dense_layers=1))
    quantizable = {path.rpartition(".")[2] for path, row in rows.items() if row.layer_projection}
    assert quantizable == {*get_args(Projection)} - {*OUTSIDE}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_groups_of_layers_begin_at_different_values(model: Model) -> None:
    made = dict(flatten(initialise(model, jax.random.key(0))))
    queries = [made[group.path("q")][0] for group in model.groups]
    for number, one in enumerate(queries):
        assert all(np.abs(one - other).max() > 0.01 for other in queries[:number])


def test_a_leaf_is_found_at_any_depth_and_an_unknown_one_is_named() -> None:
    tree = {"parameters": shapes(DENSE), "optimizer": ({"mu": shapes(DENSE)}, {"count": 0}), "accepted": 0}
    located = [locate(DENSE, path) for path, _ in jax.tree_util.tree_leaves_with_path(tree)]
    assert sum(leaf is not None for leaf in located) == 2 * len(weights(DENSE))
    for unknown in ({"blocks": {"router_b": 0}}, {"bias": 0}, {"parameters": {"blocks": {"q": {"z": 0}}}}):
        ((path, _),) = jax.tree_util.tree_leaves_with_path(unknown)
        with pytest.raises(KeyError, match="has no row in the table of weights"):
            locate(DENSE, path)


def test_a_weight_named_like_an_adapter_part_survives_merging() -> None:
    """`router_b` was taken for an adapter by its name once: it vanished from merges and from DPO's reference."""
    config = LoRA(rank=2, projections=("q",))
    params = initialise(DENSE, jax.random.key(0))
    params["blocks"]["router_b"] = jnp.ones((4, 3))
    adapters = lora.initialise(DENSE, params, config, jax.random.key(1))
    merged = lora.merged(DENSE, params, adapters, config)
    np.testing.assert_array_equal(merged["blocks"]["router_b"], params["blocks"]["router_b"])
    used = {**params, ADAPTERS: lora.scaled(adapters, config)}
    assert without_adapters(used).keys() == params.keys()
    assert without_adapters(used)["blocks"]["router_b"] is params["blocks"]["router_b"]


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_an_export_has_every_weight_or_refuses_by_name(model: Model) -> None:
    try:
        family = family_of(model)
    except InputError as refusal:
        missing = [name for name in ("window", "global_every", "dense_layers") if getattr(model, name)]
        assert missing and any(name in str(refusal) for name in missing)
        return
    listed = tensors(family, model)
    assert {tensor.parameter for tensor in listed} == set(weights(model))
    assert sum(int(np.prod(tensor.shape)) for tensor in listed) == count_parameters(model)


def test_a_weight_that_a_family_does_not_name_is_an_error() -> None:
    """QK-norm was once lost this way: exported as a plain Llama, without its weights and without a word."""
    model = dataclasses.replace(DENSE, qk_norm=True)
    with pytest.raises(InputError, match=r"'llama' have no tensor for the weight blocks\.q_norm"):
        tensors(FAMILIES["llama"], model)
    scaled = dataclasses.replace(model, experts=2, rope_scaling=RopeScaling(factor=8.0))
    with pytest.raises(InputError, match="has models with experts and qk_norm and rope_scaling"):
        family_of(scaled)
