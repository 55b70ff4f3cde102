"""Weights in 4 bits against bitsandbytes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.config.lora import LoRA
from tanuki_jax.lm.model.quantized_base import freeze, thaw

pytestmark = pytest.mark.parity


@pytest.mark.parametrize(
    ("name", "shape", "inputs"),
    [("gate", (2, 128, 192), 128), ("q", (2, 128, 3, 64), 128), ("o", (2, 3, 64, 128), 192)],
)
def test_weights_count_as_they_do_in_bitsandbytes(name: str, shape: tuple[int, ...], inputs: int) -> None:
    """Bit for bit, in blocks of 64 without double quantization."""
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("bitsandbytes.functional")
    weight = (0.02 * jax.random.normal(jax.random.key(0), shape)).astype(jnp.bfloat16)
    ours = np.asarray(thaw(freeze({"blocks": {name: weight}}, LoRA(rank=1, base="nf4"))["blocks"][name]))
    for layer in range(shape[0]):
        theirs_oi = torch.from_numpy(np.array(weight[layer], np.float32).reshape(inputs, -1).T.copy())
        codes, state = functional.quantize_4bit(theirs_oi, blocksize=64, quant_type="nf4", compress_statistics=False)
        np.testing.assert_array_equal(
            ours[layer].reshape(inputs, -1), functional.dequantize_4bit(codes, state).numpy().T
        )
