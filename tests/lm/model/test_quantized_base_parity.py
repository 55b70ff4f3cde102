"""Weights in 4 bits against bitsandbytes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.quantized_base import dequantize, quantize_base

pytestmark = pytest.mark.parity

MODEL = Model(vocabulary=64, width=192, hidden=256, layers=2, heads=3, kv_heads=3)


@pytest.mark.parametrize(
    ("name", "shape", "inputs"),
    [("gate", (2, 192, 256), 192), ("q", (2, 192, 3, 64), 192), ("o", (2, 3, 64, 192), 192)],
)
def test_weights_count_as_they_do_in_bitsandbytes(name: str, shape: tuple[int, ...], inputs: int) -> None:
    """Bit for bit, in blocks of 64 without double quantization."""
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("bitsandbytes.functional")
    weight = (0.02 * jax.random.normal(jax.random.key(0), shape)).astype(jnp.bfloat16)
    frozen = quantize_base(MODEL, {"blocks": {name: weight}}, LoRA(rank=1, base="nf4"))
    ours = np.asarray(dequantize(frozen["blocks"][name]))
    for layer in range(shape[0]):
        theirs_oi = torch.from_numpy(np.array(weight[layer], np.float32).reshape(inputs, -1).T.copy())
        codes, state = functional.quantize_4bit(theirs_oi, blocksize=64, quant_type="nf4", compress_statistics=False)
        np.testing.assert_array_equal(
            ours[layer].reshape(inputs, -1), functional.dequantize_4bit(codes, state).numpy().T
        )
