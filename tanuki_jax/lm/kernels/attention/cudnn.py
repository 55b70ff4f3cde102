"""cuDNN's flash attention for rows of documents, each of which cuDNN finds by its offset and its length."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.custom_derivatives import CustomVJPPrimal, SymbolicZero

from tanuki_jax.base.errors import InputError
from tanuki_jax.lm.kernels.attention.operands import Operands
from tanuki_jax.lm.kernels.attention.row_checks import self_attending
from tanuki_jax.lm.kernels.jax_internals import CUDNN_SCORE_MODIFIER
from tanuki_jax.lm.kernels.jax_internals import cudnn_attention as fused

DOCUMENTS = 8
"""Documents of a row in one call: for each, cuDNN keeps T statistics and T float32 gradients of every query head."""
OLDEST_CUDNN = 92500
"""First version that documents what it does with empty documents: nothing."""


def cudnn(operands: Operands, *, causal: bool, window: int | None) -> tuple[jax.Array, jax.Array]:
    """Compute `reference` on a Hopper GPU for rows that attend to themselves.

    cuDNN is called once for every DOCUMENTS documents of the row that has most, so that its memory does not depend on
    their number: in the backward pass at least 4 DOCUMENTS B T H D bytes (1.1 GB for a row of 8,192 tokens and 32 heads
    of 128), which XLA's memory analysis leaves out. A row that `self_attending` rejects becomes NaN. The log-sum-exp
    has no gradient. The order of the backward pass's sums may vary, unless XLA is set to be deterministic
    (`--xla_gpu_deterministic_ops`).

    Raises:
        InputError: another type than bfloat16 or float16, keys that are not those of the queries, a window without
            causality, more elements than its 32-bit offsets can count, or a cuDNN before 9.25.
        NotImplementedError: the log-sum-exp is differentiated.
    """
    q_bthd, k_bskd, v_bskd = operands[:3]
    if q_bthd.dtype not in (jnp.bfloat16, jnp.float16):
        raise InputError(
            f"The cudnn attention backend computes in bfloat16 or float16, not {q_bthd.dtype}: choose another backend."
        )
    if window is not None and not causal:
        raise InputError("The cudnn attention backend has windows for causal attention only: choose another backend.")
    if q_bthd.size >= 2**31:
        raise InputError(
            f"The cudnn attention backend counts in 32 bits, too few for queries {q_bthd.shape}: use fewer rows."
        )
    if fused.cuda_versions and (version := fused.cuda_versions.cudnn_get_version()) < OLDEST_CUDNN:
        raise InputError(
            f"The cudnn attention backend needs cuDNN 9.25 or later, not version {version}: choose another backend."
        )
    accepted_b = self_attending("cudnn", operands)
    out, lse = _attend(q_bthd, k_bskd, v_bskd, ordinals(operands.q_segment_ids), causal, window)
    return jnp.where(accepted_b[:, None, None, None], out, jnp.nan), lse


def ordinals(segment_ids: jax.Array) -> jax.Array:
    """Return the number of each token's document, counted from 0 in its row, int32[B, T]; -1 for padding."""
    begins = jnp.diff(segment_ids, axis=1, prepend=0) != 0
    return jnp.where(segment_ids > 0, jnp.cumsum(begins, axis=1, dtype=jnp.int32) - 1, -1)


def extents(ordinals_bt: jax.Array, first: jax.Array | int) -> tuple[jax.Array, jax.Array]:
    """Return offsets and lengths in tokens, int32[B, DOCUMENTS] each, of documents `first` and following of each row.

    A document that a row does not have is an empty one behind its last.
    """
    numbers = first + jnp.arange(DOCUMENTS + 1, dtype=jnp.int32)
    before = (ordinals_bt[:, :, None] >= 0) & (ordinals_bt[:, :, None] < numbers)
    bounds = jnp.sum(before, axis=1, dtype=jnp.int32)
    return bounds[:, :-1], jnp.diff(bounds, axis=1)


@functools.partial(jax.custom_vjp, nondiff_argnums=(4, 5))
def _attend(
    q: jax.Array, k: jax.Array, v: jax.Array, ordinals_bt: jax.Array, causal: bool, window: int | None
) -> tuple[jax.Array, jax.Array]:
    def attend_some(first: jax.Array | int) -> tuple[jax.Array, jax.Array]:
        offsets, lengths = extents(ordinals_bt, first)
        shared, parameters = _shared(q, k, v, offsets, lengths, causal, window)
        out, statistics = fused._dot_product_attention_fwd_p_wrapper.bind(*shared, **parameters, is_training=True)
        # The statistics are by document and by position inside it: each token gathers those of its own.
        document = jnp.clip(ordinals_bt - first, 0, DOCUMENTS - 1)
        position = jnp.maximum(jnp.arange(q.shape[1]) - jnp.take_along_axis(offsets, document, axis=1), 0)
        rows = jnp.arange(q.shape[0])[:, None]
        return out, statistics.reshape(q.shape[0], DOCUMENTS, q.shape[2], q.shape[1])[rows, document, :, position]

    out, lse = _for_all_documents(attend_some, (0.0, -jnp.inf), ordinals_bt)
    return out, lse


def _attend_forward(
    q: CustomVJPPrimal,
    k: CustomVJPPrimal,
    v: CustomVJPPrimal,
    ordinals_bt: CustomVJPPrimal,
    causal: bool,
    window: int | None,
) -> tuple[tuple[jax.Array, jax.Array], tuple[jax.Array, ...]]:
    inputs = (q.value, k.value, v.value, ordinals_bt.value)
    out, lse = _attend(*inputs, causal, window)
    return (out, lse), (*inputs, out, lse)


def _attend_backward(
    causal: bool,
    window: int | None,
    residuals: tuple[jax.Array, ...],
    gradients: tuple[jax.Array | SymbolicZero, jax.Array | SymbolicZero],
) -> tuple[jax.Array | None, ...]:
    q, k, v, ordinals_bt, out, lse = residuals
    d_out, d_lse = gradients
    if not isinstance(d_lse, SymbolicZero):
        raise NotImplementedError(
            "The log-sum-exp of the cudnn attention backend has no gradient: choose another backend."
        )
    if isinstance(d_out, SymbolicZero):
        return None, None, None, None
    lse_bht = jnp.swapaxes(lse, 1, 2)

    def differentiate_some(first: jax.Array | int) -> tuple[jax.Array, ...]:
        offsets, lengths = extents(ordinals_bt, first)
        shared, parameters = _shared(q, k, v, offsets, lengths, causal, window)
        # The inverse of the gather above: position p of a document has the statistics of token offset + p.
        position = jnp.arange(q.shape[1])
        token = jnp.minimum(offsets[:, :, None] + position, q.shape[1] - 1)
        statistics = jnp.take_along_axis(lse_bht[:, None], token[:, :, None], axis=3)
        statistics = jnp.where((position < lengths[:, :, None])[:, :, None], statistics, 0.0)
        statistics = statistics.reshape(-1, q.shape[2], q.shape[1])
        return tuple(fused._dot_product_attention_bwd_p_wrapper.bind(*shared, statistics, out, d_out, **parameters))

    return *_for_all_documents(differentiate_some, (0.0, 0.0, 0.0), ordinals_bt), None


_attend.defvjp(_attend_forward, _attend_backward, symbolic_zeros=True)


def _shared(
    q: jax.Array, k: jax.Array, v: jax.Array, offsets: jax.Array, lengths: jax.Array, causal: bool, window: int | None
) -> tuple[tuple[jax.Array, ...], dict[str, object]]:
    """Return the operands and the parameters that both primitives share.

    Every document of `extents` is passed on, empty ones too: the statistics of document m of row b are then number b
    DOCUMENTS + m, also where the rows are sharded. Offsets have one column more than lengths, and the primitive drops
    negative ones.
    """
    absent = jnp.zeros(0, q.dtype)  # in the place of a bias and of tables of pages
    offsets = jnp.pad(offsets, ((0, 0), (0, 1)), constant_values=-1)
    return (q, k, v, absent, lengths, lengths, offsets, offsets, absent, absent), {
        "scale": q.shape[3] ** -0.5,
        "seed": 0,
        "dropout_rate": 0.0,
        "variadic_args": (False, False),  # neither a bias nor its gradient
        "mask_type": fused.MaskType.CAUSAL if causal else fused.MaskType.NO_MASK,
        "layout": fused.AttentionLayout.BTNH.value,
        "sliding_window_length": window,
        **CUDNN_SCORE_MODIFIER,
    }


def _for_all_documents(
    compute: Callable[[jax.Array | int], tuple[jax.Array, ...]], empty: tuple[float, ...], ordinals_bt: jax.Array
) -> tuple[jax.Array, ...]:
    """Return arrays [B, T, ...] in which each token has the result of the call that computed its document.

    `compute(first)` returns such arrays for the DOCUMENTS documents from number `first` on; padding keeps `empty`.
    """

    def update(first: jax.Array | int, arrays: tuple[jax.Array | float, ...]) -> tuple[jax.Array, ...]:
        computed = (ordinals_bt >= first) & (ordinals_bt < first + DOCUMENTS)
        pairs = zip(compute(first), arrays, strict=True)
        return tuple(
            jnp.where(computed.reshape(*computed.shape, *[1] * (new.ndim - 2)), new, old) for new, old in pairs
        )

    last = jnp.max(ordinals_bt)
    start = (jnp.int32(DOCUMENTS), update(0, empty))
    return jax.lax.while_loop(
        lambda state: state[0] <= last, lambda state: (state[0] + DOCUMENTS, update(*state)), start
    )[1]
