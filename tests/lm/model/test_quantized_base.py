"""Frozen weights in 8 and 4 bits: values by hand, what they take, and how they lie on a mesh."""

import dataclasses
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Layout
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.quantized_base import dequantize, matrix_and_back, quantize_base, quantized_and_back
from tanuki_jax.lm.model.transformer import initialise
from tanuki_jax.lm.model.weights import weights
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import shardings

MODEL = Model(vocabulary=64, width=128, hidden=192, layers=3, heads=2, kv_heads=2)
FOUR, EIGHT = (LoRA(rank=2, base=base) for base in ("nf4", "int8"))
NF4 = np.array(
    [
        -1.0,
        -0.6961928009986877,
        -0.5250730514526367,
        -0.39491748809814453,
        -0.28444138169288635,
        -0.18477343022823334,
        -0.09105003625154495,
        0.0,
        0.07958029955625534,
        0.16093020141124725,
        0.24611230194568634,
        0.33791524171829224,
        0.44070982933044434,
        0.5626170039176941,
        0.7229568362236023,
        1.0,
    ],
    np.float32,
)
"""Levels of appendix E of the paper."""


def bfloat16() -> dict[str, Any]:
    rounded: dict[str, Any] = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), initialise(MODEL, jax.random.key(0)))
    return rounded


@pytest.mark.parametrize("of", [FOUR, EIGHT], ids=["nf4", "int8"])
def test_64_inputs_of_an_output_share_a_scale(of: LoRA) -> None:
    before = bfloat16()
    frozen = quantize_base(MODEL, before, of)
    for name, rows in {"q": 128, "v": 128, "o": 128, "gate": 128, "down": 192}.items():
        found, weight = (
            np.asarray(dequantize(tree["blocks"][name])[1], np.float32).reshape(rows // 64, 64, -1)
            for tree in (frozen, before)
        )
        largest = np.abs(weight).max(1, keepdims=True)
        if of is FOUR:
            nearest = NF4[np.abs((weight / largest)[..., None] - NF4).argmin(-1)]
            np.testing.assert_allclose(found / largest, nearest, atol=1e-6, err_msg=name)
        else:
            steps = found / largest * 127.5
            np.testing.assert_allclose(steps, np.round(steps), atol=1e-4, err_msg=name)
            assert np.abs(steps - weight / largest * 127.5).max() < 0.5001, name
    for name in ("mlp_norm", "attention_norm"):
        np.testing.assert_array_equal(frozen["blocks"][name], before["blocks"][name])
    np.testing.assert_array_equal(frozen["embedding"], before["embedding"])


@pytest.mark.parametrize(("of", "bits"), [(FOUR, 4.5), (EIGHT, 8.5)], ids=["nf4", "int8"])
def test_a_weight_takes_its_bits_and_a_64th_of_its_scale(of: LoRA, bits: float) -> None:
    weight = quantize_base(MODEL, bfloat16(), of)["blocks"]["down"]
    codes = {"uint4": 4, "int8": 8}[weight.qvalue.dtype.name] * weight.qvalue.size
    assert (codes + 8 * weight.scale.nbytes) / weight.qvalue.size == bits


def test_a_block_is_of_one_head_and_no_longer_than_its_dim() -> None:
    model = dataclasses.replace(MODEL, heads=8)
    blocks = quantize_base(model, initialise(model, jax.random.key(0)), FOUR)["blocks"]
    assert blocks["o"].scale.shape == (3, 8, 1, 128)
    assert blocks["q"].scale.shape == (3, 2, 8, 16)


def test_what_is_merged_on_the_host_is_what_counts_on_the_devices() -> None:
    parameters, rows = initialise(MODEL, jax.random.key(0)), weights(MODEL)
    whole = quantized_and_back(MODEL, parameters, FOUR)
    for name in ("q", "o", "up"):
        np.testing.assert_array_equal(
            matrix_and_back(np.asarray(parameters["blocks"][name][2]), rows[f"blocks.{name}"], FOUR),
            whole["blocks"][name][2],
        )
    for name, of in (("attention_norm", FOUR), ("q", LoRA(rank=2))):
        matrix = np.ones((2, 3), np.float32)
        assert matrix_and_back(matrix, rows[f"blocks.{name}"], of) is matrix
    assert quantized_and_back(MODEL, parameters, LoRA(rank=2)) is parameters


def test_scales_lie_as_the_weights_but_for_blocks_that_would_be_cut() -> None:
    mesh = make_mesh(Layout(data=1, fsdp=4, tensor=2))
    frozen = jax.eval_shape(lambda: quantize_base(MODEL, initialise(MODEL, jax.random.key(0)), FOUR))
    placed = shardings(mesh, MODEL, frozen)["blocks"]
    assert placed["down"].qvalue.shard_shape((3, 192, 128)) == (3, 96, 32)
    assert placed["down"].scale.shard_shape((3, 3, 128)) == (3, 3, 32)
    assert placed["q"].qvalue.shard_shape((3, 128, 2, 64)) == (3, 32, 1, 64)
    assert placed["q"].scale.shard_shape((3, 2, 2, 64)) == (3, 2, 1, 64)


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "qwix", None)
    with pytest.raises(InputError, match="need qwix: pip install"):
        quantize_base(MODEL, initialise(MODEL, jax.random.key(0)), FOUR)
