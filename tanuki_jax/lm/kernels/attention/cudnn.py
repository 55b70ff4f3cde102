"""cuDNN's flash attention for rows of many documents, each given to the kernel by its offset and its length.

It binds primitives of a private JAX module, because JAX has no public name for them. Nothing else in this repository does, and the
compile tests tell when they change.
"""

import functools
import inspect
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax._src.cudnn import fused_attention_stablehlo as fused
from jax.custom_derivatives import CustomVJPPrimal, SymbolicZero

from tanuki_jax.base.errors import InputError
from tanuki_jax.lm.kernels.attention.row_checks import self_attending

DOCUMENTS = 8  # of a row in one call: for each, cuDNN keeps T statistics and T float32 gradients of every query head
CUDNN = 92500  # the first version that says what it does with empty documents: nothing
SCORE_MODIFIER = (
    {"score_mod": None} if "score_mod" in inspect.signature(fused.dot_product_attention).parameters else {}
)  # jax >= 0.12


def cudnn(
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
    """The result of `reference` on a Hopper GPU, for rows that attend to themselves; arguments as in `attention`.

    cuDNN is called once for every DOCUMENTS documents of the fullest row, so that its memory does not depend on how many there are:
    in the backward pass at least 4 DOCUMENTS B T H D bytes (1.1 GB for a row of 8,192 tokens and 32 heads of 128), which XLA's own
    account leaves out. A row that is not as `self_attending` asks comes out as NaN. The log-sum-exp has no gradient here. The order
    of the backward pass's sums may vary, unless XLA is told to be deterministic (`--xla_gpu_deterministic_ops`).

    Raises:
        InputError: another type than bfloat16 or float16, keys that are not those of the queries, a window without causality, more
            elements than its 32-bit offsets can count, or a cuDNN before 9.25.
        NotImplementedError: a gradient of the log-sum-exp is asked for.
    """
    if q_bthd.dtype not in (jnp.bfloat16, jnp.float16):
        raise InputError(
            f"The cudnn attention backend computes in bfloat16 or float16, not {q_bthd.dtype}: choose another backend."
        )
    if window is not None and not causal:
        raise InputError("The cudnn attention backend has windows for causal attention only: choose another backend.")
    if q_bthd.size >= 2**31:
        raise InputError(
            f"The cudnn attention backend counts in 32 bits, too few for queries {q_bthd.shape}: give it fewer rows."
        )
    if fused.cuda_versions and (version := fused.cuda_versions.cudnn_get_version()) < CUDNN:
        raise InputError(
            f"The cudnn attention backend needs cuDNN 9.25 or later, not version {version}: choose another backend."
        )
    sound_b = self_attending("cudnn", q_bthd, k_bskd, q_segment_ids, kv_segment_ids, q_positions, kv_positions)
    out, lse = _attend(q_bthd, k_bskd, v_bskd, ordinals(q_segment_ids), causal, window)
    return jnp.where(sound_b[:, None, None, None], out, jnp.nan), lse


def ordinals(segment_ids: jax.Array) -> jax.Array:
    """How many documents of its row come before the document of each token, int32[B, T]; -1 for padding."""
    begins = jnp.diff(segment_ids, axis=1, prepend=0) != 0
    return jnp.where(segment_ids > 0, jnp.cumsum(begins, axis=1, dtype=jnp.int32) - 1, -1)


def extents(ordinals_bt: jax.Array, first: jax.Array | int) -> tuple[jax.Array, jax.Array]:
    """Offsets and lengths in tokens, each int32[B, DOCUMENTS], of the documents number `first` and following of each row.

    What a row does not have is an empty document behind its last.
    """
    numbers = first + jnp.arange(DOCUMENTS + 1, dtype=jnp.int32)
    before = (ordinals_bt[:, :, None] >= 0) & (ordinals_bt[:, :, None] < numbers)
    bounds = jnp.sum(before, axis=1, dtype=jnp.int32)
    return bounds[:, :-1], jnp.diff(bounds, axis=1)


@functools.partial(jax.custom_vjp, nondiff_argnums=(4, 5))
def _attend(
    q: jax.Array, k: jax.Array, v: jax.Array, ordinals_bt: jax.Array, causal: bool, window: int | None
) -> tuple[jax.Array, jax.Array]:
    def some(first: jax.Array | int) -> tuple[jax.Array, jax.Array]:
        offsets, lengths = extents(ordinals_bt, first)
        shared, parameters = _shared(q, k, v, offsets, lengths, causal, window)
        out, statistics = fused._dot_product_attention_fwd_p_wrapper.bind(*shared, **parameters, is_training=True)
        document = jnp.clip(ordinals_bt - first, 0, DOCUMENTS - 1)
        at = jnp.maximum(jnp.arange(q.shape[1]) - jnp.take_along_axis(offsets, document, axis=1), 0)
        rows = jnp.arange(q.shape[0])[:, None]
        return out, statistics.reshape(q.shape[0], DOCUMENTS, q.shape[2], q.shape[1])[rows, document, :, at]

    out, lse = _in_turn(some, (0.0, -jnp.inf), ordinals_bt)
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

    def some(first: jax.Array | int) -> tuple[jax.Array, ...]:
        offsets, lengths = extents(ordinals_bt, first)
        shared, parameters = _shared(q, k, v, offsets, lengths, causal, window)
        index = jnp.arange(q.shape[1])
        at = jnp.minimum(offsets[:, :, None] + index, q.shape[1] - 1)
        statistics = jnp.take_along_axis(lse_bht[:, None], at[:, :, None], axis=3)
        statistics = jnp.where((index < lengths[:, :, None])[:, :, None], statistics, 0.0)
        statistics = statistics.reshape(-1, q.shape[2], q.shape[1])
        return tuple(fused._dot_product_attention_bwd_p_wrapper.bind(*shared, statistics, out, d_out, **parameters))

    return *_in_turn(some, (0.0, 0.0, 0.0), ordinals_bt), None


_attend.defvjp(_attend_forward, _attend_backward, symbolic_zeros=True)


def _shared(
    q: jax.Array, k: jax.Array, v: jax.Array, offsets: jax.Array, lengths: jax.Array, causal: bool, window: int | None
) -> tuple[tuple[jax.Array, ...], dict[str, object]]:
    """The operands and parameters of both primitives.

    Every document of `extents` is handed over, empty ones too: the statistics of document m of row b are then number b DOCUMENTS + m,
    also where the rows are sharded. Offsets have one column more than lengths, and the primitive drops what is negative.
    """
    absent = jnp.zeros(0, q.dtype)  # stands for a bias and for tables of pages
    offsets = jnp.pad(offsets, ((0, 0), (0, 1)), constant_values=-1)
    return (q, k, v, absent, lengths, lengths, offsets, offsets, absent, absent), {
        "scale": q.shape[3] ** -0.5,
        "seed": 0,
        "dropout_rate": 0.0,
        "variadic_args": (False, False),  # neither a bias nor its gradient
        "mask_type": fused.MaskType.CAUSAL if causal else fused.MaskType.NO_MASK,
        "layout": fused.AttentionLayout.BTNH.value,
        "sliding_window_length": window,
        **SCORE_MODIFIER,
    }


def _in_turn(
    some: Callable[[jax.Array | int], tuple[jax.Array, ...]], empty: tuple[float, ...], ordinals_bt: jax.Array
) -> tuple[jax.Array, ...]:
    """Arrays [B, T, ...] in which each token has what `some(first)` says of it, whose documents are DOCUMENTS from number `first`."""

    def renewed(first: jax.Array | int, arrays: tuple[jax.Array | float, ...]) -> tuple[jax.Array, ...]:
        here = (ordinals_bt >= first) & (ordinals_bt < first + DOCUMENTS)
        pairs = zip(some(first), arrays, strict=True)
        return tuple(jnp.where(here.reshape(*here.shape, *[1] * (new.ndim - 2)), new, old) for new, old in pairs)

    last = jnp.max(ordinals_bt)
    start = (jnp.int32(DOCUMENTS), renewed(0, empty))
    return jax.lax.while_loop(
        lambda state: state[0] <= last, lambda state: (state[0] + DOCUMENTS, renewed(*state)), start
    )[1]
