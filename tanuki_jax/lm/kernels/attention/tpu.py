"""Splash attention, the Pallas kernel for TPUs that JAX ships, for rows of documents.

The backward pass calls two private functions of that module, because the public one has no gradient if it returns the
log-sum-exp.
"""

import functools
import math

import jax
import jax.numpy as jnp
from jax.experimental.pallas.ops.tpu.splash_attention import splash_attention_kernel as splash
from jax.experimental.pallas.ops.tpu.splash_attention import splash_attention_mask as masks

from tanuki_jax.base.errors import InputError
from tanuki_jax.lm.kernels.attention.operands import Operands
from tanuki_jax.lm.kernels.attention.row_checks import self_attending

LANES = 128
TILE = 512
"""Most queries and keys of a tile, whose size divides T."""


def tpu(operands: Operands, *, causal: bool, window: int | None, tile: int = TILE) -> tuple[jax.Array, jax.Array]:
    """Compute `reference` on a TPU for rows that attend to themselves.

    Tiles that causality or the window hides are skipped, tiles between documents are not: packing saves no time. The
    log-sum-exp has a gradient. A row that `self_attending` rejects becomes NaN. `shard_map` needs `check_vma=False`.

    Raises:
        InputError: keys that are not those of the queries, or a T that is no multiple of 128.
    """
    accepted_b = self_attending("tpu", operands)
    time, dim = operands.q_bthd.shape[1], operands.q_bthd.shape[3]
    if time % LANES:
        raise InputError(
            f"The tpu attention backend serves rows of a multiple of {LANES} tokens, not {time}: "
            "choose another backend."
        )
    q, k, v = (jnp.swapaxes(x, 1, 2) for x in (operands.q_bthd * dim**-0.5, operands.k_bskd, operands.v_bskd))
    attend = functools.partial(_attend, causal, window, math.gcd(time, tile))
    out, lse = jax.vmap(attend)(q, k, v, operands.q_segment_ids)
    out, lse = jnp.swapaxes(out, 1, 2), jnp.swapaxes(lse, 1, 2)
    is_token = (operands.q_segment_ids > 0)[:, :, None]
    out = jnp.where(is_token[..., None], out, 0)
    return jnp.where(accepted_b[:, None, None, None], out, jnp.nan), jnp.where(is_token, lse, -jnp.inf)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _attend(
    causal: bool,
    window: int | None,
    tile: int,
    q_htd: jax.Array,
    k_ksd: jax.Array,
    v_ksd: jax.Array,
    segment_ids: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Return output [H, T, D] and log-sum-exp float32[H, T] of one row of scaled queries.

    Padding attends to padding.
    """
    kernel = _kernel(causal, window, tile, *q_htd.shape[:2])
    out, (lse,) = kernel(q_htd, k_ksd, v_ksd, splash.SegmentIds(segment_ids, segment_ids))
    return out, lse


def _attend_forward(
    causal: bool,
    window: int | None,
    tile: int,
    q_htd: jax.Array,
    k_ksd: jax.Array,
    v_ksd: jax.Array,
    segment_ids: jax.Array,
) -> tuple[tuple[jax.Array, jax.Array], tuple[jax.Array, ...]]:
    out, lse = _attend(causal, window, tile, q_htd, k_ksd, v_ksd, segment_ids)
    return (out, lse), (q_htd, k_ksd, v_ksd, segment_ids, out, lse)


def _attend_backward(
    causal: bool,
    window: int | None,
    tile: int,
    residuals: tuple[jax.Array, ...],
    gradients: tuple[jax.Array, jax.Array],
) -> tuple[jax.Array | None, ...]:
    """Return the gradients of queries, keys and values.

    The gradient of the scores is weights (d_weights - shift), with the log-sum-exp's gradient subtracted from the usual
    shift (Dao 2023, FlashAttention-2, algorithm 2).
    """
    q, k, v, segment_ids, out, lse = residuals
    d_out, d_lse = gradients
    shift = jnp.einsum("htd,htd->ht", out, d_out, preferred_element_type=jnp.float32) - d_lse
    kernel = _kernel(causal, window, tile, *q.shape[:2])
    sizes = kernel.kwargs["block_sizes"]
    assert kernel.dq_mask_info is not None and kernel.dkv_mask_info is not None
    inputs = (q, k, v, splash.SegmentIds(segment_ids, segment_ids), None, lse, d_out, shift)
    shared = {
        name: kernel.kwargs[name]
        for name in ("is_mqa", "mask_value", "attn_logits_soft_cap", "mask_function", "interpret")
    }
    shared |= {name: getattr(sizes, name) for name in ("q_layout", "k_layout", "v_layout")}
    dq = splash._splash_attention_bwd_dq(
        *inputs, bq=sizes.block_q_dq, bkv=sizes.block_kv_dq, mask_info=kernel.dq_mask_info, **shared
    )
    _, dk, dv = splash._splash_attention_bwd_dkv(
        *inputs,
        bq=sizes.block_q_dkv,
        bkv=sizes.block_kv_dkv,
        bkv_compute=sizes.block_kv_dkv_compute,
        mask_info=kernel.dkv_mask_info,
        use_fused_bwd_kernel=False,
        **shared,
    )
    return dq, dk, dv, None


_attend.defvjp(_attend_forward, _attend_backward)


def _kernel(causal: bool, window: int | None, tile: int, heads: int, time: int) -> splash.SplashAttentionKernel:
    shape = (time, time)
    if window is not None:
        mask: masks.Mask = masks.LocalMask(shape, (window - 1, 0 if causal else window - 1), offset=0)
    else:
        mask = masks.CausalMask(shape) if causal else masks.FullMask(shape)
    sizes = splash.BlockSizes(
        block_q=tile,
        block_kv=tile,
        block_q_dkv=tile,
        block_kv_dkv=tile,
        block_q_dq=tile,
        block_kv_dq=tile,
    )
    return splash.make_splash_mha(
        masks.MultiHeadMask([mask] * heads), block_sizes=sizes, head_shards=1, q_seq_shards=1, save_residuals=True
    )
