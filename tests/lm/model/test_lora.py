"""Adapters: fresh ones change nothing, merged ones compute the same, and dropout keeps the mean."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model import lora
from tanuki_jax.lm.model.quantized_base import dequantize, is_quantized, quantize_base
from tanuki_jax.lm.model.transformer import Ops, hidden_states, initialise, output_adapter, output_matrix
from tanuki_jax.lm.model.weights import ADAPTERS, Params

pytestmark = pytest.mark.thorough

DENSE = Model(vocabulary=61, width=32, hidden=48, layers=3, heads=4, kv_heads=2, initial_std=0.2)
MOE = dataclasses.replace(DENSE, experts=4, router_logits="standardized")
ALL = LoRA(rank=4, alpha=10.0)
OUTSIDE = dataclasses.replace(ALL, projections=("q", "embedding", "output"))
OF_EXPERTS = dataclasses.replace(ALL, projections=("q", "o", "expert_gate", "expert_up", "expert_down"))


@functools.cache
def frozen(model: Model, of: LoRA) -> Params:
    """Fresh parameters, in float32 where they are not quantized."""
    parameters = jax.jit(initialise, static_argnums=0)(model, jax.random.key(0))
    return jax.jit(quantize_base, static_argnums=(0, 2))(model, parameters, of) if of.quantized else parameters


fresh_adapters = jax.jit(lora.initialise, static_argnums=(0, 2))


@functools.cache
def trained(model: Model, of: LoRA) -> tuple[Params, Params]:
    """Make a model, and adapters of it with no array at its initial value."""
    parameters = frozen(model, of)
    fresh = fresh_adapters(model, parameters, of, jax.random.key(1))
    keys = iter(jax.random.split(jax.random.key(2), len(jax.tree.leaves(fresh))))
    return parameters, jax.tree.map(lambda array: array + 0.1 * jax.random.normal(next(keys), array.shape), fresh)


@functools.partial(jax.jit, static_argnames=("model", "dropout"))
def logits(parameters: Params, model: Model, dropout: float = 0.0, keys: jax.Array | None = None) -> jax.Array:
    tokens = jax.random.randint(jax.random.key(3), (2, 12), 0, model.vocabulary)
    positions = jnp.broadcast_to(jnp.arange(12), tokens.shape)
    states, _ = hidden_states(
        parameters,
        tokens,
        jnp.ones_like(tokens),
        positions,
        model,
        Ops(),
        compute_dtype="float32",
        dropout=dropout,
        dropout_keys_l=keys,
    )
    outputs, adapter = states @ output_matrix(parameters), output_adapter(parameters)
    return outputs if adapter is None else outputs + states @ adapter.a @ adapter.b


def beside(parameters: Params, adapters: Params, of: LoRA) -> Params:
    return {**parameters, ADAPTERS: lora.scaled(adapters, of)}


CASES = [
    pytest.param(DENSE, ALL, id="LoRA"),
    pytest.param(DENSE, dataclasses.replace(ALL, rslora=True), id="rsLoRA", marks=pytest.mark.long),
    pytest.param(DENSE, dataclasses.replace(ALL, dora=True), id="DoRA"),
    pytest.param(DENSE, OUTSIDE, id="embedding, output"),
    pytest.param(DENSE, dataclasses.replace(OUTSIDE, projections=("embedding",)), id="embedding alone"),
    pytest.param(DENSE, dataclasses.replace(OUTSIDE, base="nf4"), id="output, 4 bits", marks=pytest.mark.long),
    pytest.param(MOE, OF_EXPERTS, id="experts"),
    pytest.param(DENSE, dataclasses.replace(ALL, base="int8"), id="8 bits"),
    pytest.param(DENSE, dataclasses.replace(ALL, base="nf4", dora=True), id="DoRA, 4 bits"),
    pytest.param(MOE, dataclasses.replace(OF_EXPERTS, base="nf4"), id="experts, 4 bits", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("model", "of"), CASES)
def test_fresh_adapters_change_nothing(model: Model, of: LoRA) -> None:
    parameters = frozen(model, of)
    fresh = fresh_adapters(model, parameters, of, jax.random.key(1))
    np.testing.assert_allclose(
        logits(beside(parameters, fresh, of), model), logits(parameters, model), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(("model", "of"), CASES)
def test_merged_weights_compute_what_base_and_adapter_do(model: Model, of: LoRA) -> None:
    parameters, adapters = trained(model, of)
    alone, adapted = logits(parameters, model), logits(beside(parameters, adapters, of), model)
    base = jax.tree.map(dequantize, parameters, is_leaf=is_quantized)
    merged = lora.merged(model, base, adapters, of)
    assert jax.tree.map(jnp.shape, merged) == jax.tree.map(jnp.shape, base)
    assert np.abs(adapted - alone).max() > 0.1
    np.testing.assert_allclose(logits(merged, model), adapted, atol=1e-4)


def test_merged_weights_in_bfloat16_differ_by_their_rounding(capsys: pytest.CaptureFixture[str]) -> None:
    parameters, adapters = trained(DENSE, ALL)
    whole = logits(beside(parameters, adapters, ALL), DENSE)
    rounded = jax.tree.map(lambda array: array.astype(jnp.bfloat16), parameters)
    merged = lora.merged(DENSE, rounded, adapters, ALL)
    difference = float(
        np.abs(logits(jax.tree.map(lambda array: array.astype(jnp.float32), merged), DENSE) - whole).max()
    )
    with capsys.disabled():
        print(
            f"\nmerged in bfloat16: logits of at most {float(np.abs(whole).max()):.1f} differ by at most "
            f"{difference:.3f}"
        )
    assert 0 < difference < 0.1 * np.abs(whole).max()


def test_the_scale_is_alpha_over_the_rank_or_its_root() -> None:
    assert LoRA(rank=16, alpha=32.0).scale == 2
    assert LoRA(rank=16, alpha=32.0, rslora=True).scale == 8


def test_dropout_leaves_the_mean_and_drops_anew_in_every_projection() -> None:
    drop = lora.dropping(jax.random.key_data(jax.random.key(0)), 0.25)
    x = jnp.ones((200, 200))
    one, other = drop(x, 0), drop(x, 1)
    assert set(np.unique(one)) == {0.0, np.float32(4 / 3)}
    assert abs(one.mean() - 1) < 0.01
    assert np.mean(np.asarray(one) == np.asarray(other)) < 0.7
    np.testing.assert_array_equal(lora.dropping(None, 0.25)(x, 0), x)


def test_each_layer_drops_its_own_inputs() -> None:
    parameters, adapters = trained(DENSE, ALL)
    used = beside(parameters, adapters, ALL)
    same, others = (
        jnp.stack([jax.random.key_data(jax.random.key(key)) for key in keys]) for keys in ((0, 0, 0), (0, 1, 2))
    )
    found = [logits(used, DENSE, 0.5, keys) for keys in (same, others)]
    assert np.abs(found[0] - found[1]).max() > 0.01
    assert np.abs(found[0] - logits(used, DENSE)).max() > 0.01
