"""Splash attention, the Pallas kernel for TPUs that JAX ships, for rows of many documents.

The backward pass calls two private functions of that module, because the public way has no gradient once the log-sum-exp is asked for.
"""

import functools
import math

import jax
import jax.numpy as jnp
from jax.experimental.pallas.ops.tpu.splash_attention import splash_attention_kernel as splash
from jax.experimental.pallas.ops.tpu.splash_attention import splash_attention_mask as masks

from tanuki_jax.base.errors import InputError
from tanuki_jax.lm.kernels.attention.row_checks import self_attending

LANES = 128
TILE = 512  # queries and keys, where T has such a divisor


def tpu(
    q_bthd: jax.Array,
    k_bskd: jax.Array,
    v_bskd: jax.Array,
    q_segment_ids: jax.Array,
    kv_segment_ids: jax.Array,
    q_positions: jax.Array,
    kv_positions: jax.Array,
    *,
    causal: bool,
    window: int | None,
) -> tuple[jax.Array, jax.Array]:
    """The result of `reference` on a TPU, for rows that attend to themselves; arguments as in `attention`.

    Tiles that causality or the window hides are skipped, tiles between documents are not: packing saves no time. The log-sum-exp has
    a gradient. A row that is not as `self_attending` asks comes out as NaN. `shard_map` needs `check_vma=False`.

    Raises:
        InputError: keys that are not those of the queries, or a T that is no multiple of 128.
    """
    sound_b = self_attending("tpu", q_bthd, k_bskd, q_segment_ids, kv_segment_ids, q_positions, kv_positions)
    time, dim = q_bthd.shape[1], q_bthd.shape[3]
    if time % LANES:
        raise InputError(
            f"The tpu attention backend serves rows of a multiple of {LANES} tokens, not {time}: choose another backend."
        )
    q, k, v = (jnp.swapaxes(x, 1, 2) for x in (q_bthd * dim**-0.5, k_bskd, v_bskd))
    out, lse = jax.vmap(functools.partial(_attend, causal, window))(q, k, v, q_segment_ids)
    out, lse = jnp.swapaxes(out, 1, 2), jnp.swapaxes(lse, 1, 2)
    attends = (q_segment_ids > 0)[:, :, None]
    out = jnp.where(attends[..., None], out, 0)
    return jnp.where(sound_b[:, None, None, None], out, jnp.nan), jnp.where(attends, lse, -jnp.inf)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _attend(
    causal: bool, window: int | None, q_htd: jax.Array, k_ksd: jax.Array, v_ksd: jax.Array, segment_ids: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """One row whose queries are scaled already: the output [H, T, D] and the log-sum-exp float32[H, T], padding among itself too."""
    kernel = _kernel(causal, window, *q_htd.shape[:2])
    out, (lse,) = kernel(q_htd, k_ksd, v_ksd, splash.SegmentIds(segment_ids, segment_ids))
    return out, lse


def _attend_forward(
    causal: bool, window: int | None, q_htd: jax.Array, k_ksd: jax.Array, v_ksd: jax.Array, segment_ids: jax.Array
) -> tuple[tuple[jax.Array, jax.Array], tuple[jax.Array, ...]]:
    out, lse = _attend(causal, window, q_htd, k_ksd, v_ksd, segment_ids)
    return (out, lse), (q_htd, k_ksd, v_ksd, segment_ids, out, lse)


def _attend_backward(
    causal: bool, window: int | None, residuals: tuple[jax.Array, ...], gradients: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array | None, ...]:
    """The gradient of the scores is weights (d_weights - shift), with the log-sum-exp's own gradient taken from the usual shift
    (Dao 2023, FlashAttention-2, algorithm 2)."""
    q, k, v, segment_ids, out, lse = residuals
    d_out, d_lse = gradients
    shift = jnp.einsum("htd,htd->ht", out, d_out, preferred_element_type=jnp.float32) - d_lse
    kernel = _kernel(causal, window, *q.shape[:2])
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


def _kernel(causal: bool, window: int | None, heads: int, time: int) -> splash.SplashAttentionKernel:
    shape = (time, time)
    if window is not None:
        mask: masks.Mask = masks.LocalMask(shape, (window - 1, 0 if causal else window - 1), offset=0)
    else:
        mask = masks.CausalMask(shape) if causal else masks.FullMask(shape)
    tile = math.gcd(time, TILE)
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
