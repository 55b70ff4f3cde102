"""Prefill compiled for absent accelerators; the values in the cache are tested by `test_decode`."""

import dataclasses
import functools
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import pytest

from tanuki_jax.config import registry
from tanuki_jax.config.model import Model
from tanuki_jax.inference.cache import prefill
from tanuki_jax.lm.kernels.attention.attention import QUADRATIC_TIME
from tanuki_jax.lm.model.weights import shapes
from tanuki_jax.planning.plan.target import parse


def test_a_long_prompt_works_without_a_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jax.devices", lambda: [SimpleNamespace(platform="gpu", compute_capability="8.0")])
    model = Model(vocabulary=50, width=128, hidden=48, layers=1, heads=1, kv_heads=1)
    tokens = jax.ShapeDtypeStruct((2, 2 * QUADRATIC_TIME), jnp.int32)
    lengths = jax.ShapeDtypeStruct((2,), jnp.int32)
    logits, cache = jax.eval_shape(
        functools.partial(prefill, model=model, slots=5000), shapes(model, "bfloat16"), tokens, lengths
    )
    assert (logits.shape, cache.k.shape) == ((2, 50), (1, 2, 1, 5000, 128))


@pytest.mark.gpu_compile
@pytest.mark.parametrize("target", ["a100:1", "h200:1"])
def test_memory_of_a_prompt_on_a_gpu_is_linear_in_its_length(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    [device] = parse(target).devices()
    monkeypatch.setattr("jax.devices", lambda: [device])
    model = dataclasses.replace(registry.experiment.find("8b").model, layers=1)
    sharding = jax.sharding.SingleDeviceSharding(device)

    def temporary_bytes(time: int) -> int:
        parameters, tokens, lengths = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
            (
                shapes(model, "bfloat16"),
                jax.ShapeDtypeStruct((2, time), jnp.int32),
                jax.ShapeDtypeStruct((2,), jnp.int32),
            ),
        )
        memory = (
            jax.jit(functools.partial(prefill, model=model, slots=time))
            .lower(parameters, tokens, lengths)
            .compile()
            .memory_analysis()
        )
        assert memory is not None
        return memory.temp_size_in_bytes

    long, scores = temporary_bytes(8192), 2 * model.heads * 8192**2 * 4
    assert long < 2.05 * temporary_bytes(4096) and long < scores / 4
