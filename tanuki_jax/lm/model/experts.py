"""The mixture-of-experts layer of Mixtral (Jiang et al. 2024) and Tanuki-8x8B: a router, and SwiGLUs of which each
token visits some."""

import math
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from tanuki_jax.config.model import Model
from tanuki_jax.lm.kernels.grouped_matmul.grouped_matmul import grouped_matmul
from tanuki_jax.lm.model.slots import assign, collect, scatter_tokens


class Choices(NamedTuple):
    """Experts that tokens are sent to."""

    experts_btk: jax.Array
    """int32[B, T, k], the experts of each token; E for padding, which is sent to none."""
    weights_btk: jax.Array
    """float32[B, T, k], factors of their results, whose sum is 1."""


class Adapted(NamedTuple):
    """Matrices of experts with low-rank adapters, equal to W + A B."""

    weights_edf: jax.Array
    a_edr: jax.Array
    b_erf: jax.Array


class Experts(NamedTuple):
    """The SwiGLUs of a layer."""

    gate_edf: jax.Array | Adapted
    up_edf: jax.Array | Adapted
    down_efd: jax.Array | Adapted

    @property
    def number(self) -> int:
        """Number of experts."""
        return len(jax.tree.leaves(self.gate_edf)[0])


class Dispatch(Protocol):
    """Sends x [B, T, D] to the chosen experts, and returns the weighted sums of their results.

    They are [B, T, D] in the type of x; with them it returns the number of dropped choices, float32[].
    """

    def __call__(self, x_btd: jax.Array, choices: Choices, experts: Experts, /) -> tuple[jax.Array, jax.Array]: ...


class Multiply(Protocol):
    """Grouped matmul (`kernels.grouped_matmul`) with its backend bound."""

    def __call__(self, x_td: jax.Array, w_edf: jax.Array, group_sizes_e: jax.Array, /) -> jax.Array: ...


class Routing(NamedTuple):
    """Statistics of a layer's router over tokens that are not padding; float32, for all layers with leading axes (parts
    of the rows, L)."""

    load_e: jax.Array
    """Share of the choices sent to each expert."""
    entropy: jax.Array
    """Mean entropy of the distributions over experts, in nats: at most log E."""
    dropped: jax.Array
    """Share of the choices that were dropped."""
    load_balancing: jax.Array
    """E times the product of load and mean probability, summed over experts (Fedus et al. 2022, equation 4); 1 for an
    even load."""
    z_loss: jax.Array
    """Mean squared log partition function of the router's logits (Zoph et al. 2022, equation 5)."""


def mixture(
    x_btd: jax.Array,
    segment_ids_bt: jax.Array,
    router_de: jax.Array,
    experts: Experts,
    model: Model,
    dispatch: Dispatch,
) -> tuple[jax.Array, Routing]:
    """Compute the layer, [B, T, D] -> [B, T, D], and its router's statistics. Padding (segment 0) is neither routed nor
    counted."""
    logits_bte = jnp.einsum(
        "btd,de->bte", x_btd.astype(jnp.float32), router_de.astype(jnp.float32), precision="highest"
    )
    real_bt = segment_ids_bt != 0
    probabilities_bte = router_probabilities(logits_bte, model)
    weights_btk, experts_btk = jax.lax.top_k(probabilities_bte, model.experts_per_token)
    weights_btk /= weights_btk.sum(-1, keepdims=True)
    choices = Choices(jnp.where(real_bt[..., None], experts_btk, model.experts), weights_btk)
    y_btd, dropped = dispatch(x_btd, choices, experts)
    return y_btd, _routing(logits_bte, probabilities_bte, choices.experts_btk, real_bt, dropped)


def router_probabilities(logits_bte: jax.Array, model: Model) -> jax.Array:
    """Return the softmax over experts of float32 logits [..., E].

    A model with standardized router logits divides their distance from the mean by the unbiased deviation plus 1e-5
    first.
    """
    if model.router_logits == "standardized":
        centred = logits_bte - logits_bte.mean(-1, keepdims=True)
        variance = jnp.square(centred).sum(-1, keepdims=True) / (model.experts - 1)
        even = variance == 0  # where the root has no gradient
        deviation = jnp.where(even, 0.0, jnp.sqrt(jnp.where(even, 1.0, variance)))
        logits_bte = centred / (deviation + 1e-5)
    return jax.nn.softmax(logits_bte)


def _routing(
    logits_bte: jax.Array, probabilities_bte: jax.Array, experts_btk: jax.Array, real_bt: jax.Array, dropped: jax.Array
) -> Routing:
    experts, choices = logits_bte.shape[-1], experts_btk.shape[-1]
    tokens = jnp.maximum(real_bt.sum(), 1).astype(jnp.float32)

    def mean(values_bt: jax.Array) -> jax.Array:
        """Return the mean over the tokens that count, of [B, T] or [B, T, E]."""
        real = real_bt.reshape(real_bt.shape + (1,) * (values_bt.ndim - 2))
        return jnp.where(real, values_bt, 0.0).sum((0, 1)) / tokens

    entropy_bt = jax.scipy.special.entr(jax.lax.stop_gradient(probabilities_bte)).sum(-1)  # its slope at 0 is infinite
    taken_bte = (experts_btk[..., None] == jnp.arange(experts)).sum(2)
    load_e = mean(taken_bte.astype(jnp.float32)) / choices
    return Routing(
        load_e=load_e,
        entropy=mean(entropy_bt),
        dropped=dropped / (tokens * choices),
        load_balancing=experts * jnp.sum(load_e * mean(probabilities_bte)),
        z_loss=mean(jnp.square(jax.nn.logsumexp(logits_bte, axis=-1))),
    )


def swiglu(rows_sd: jax.Array, sizes_e: jax.Array, experts: Experts, multiply: Multiply) -> jax.Array:
    """Apply to rows sorted by expert the SwiGLU of their expert: [S, D] -> [S, D]; rows beyond the groups are
    undefined."""

    def product(rows: jax.Array, matrices: jax.Array | Adapted) -> jax.Array:
        if isinstance(matrices, Adapted):
            low_sr = multiply(rows, matrices.a_edr, sizes_e)
            return multiply(rows, matrices.weights_edf, sizes_e) + multiply(low_sr, matrices.b_erf, sizes_e)
        return multiply(rows, matrices, sizes_e)

    gate_sf, up_sf = (
        checkpoint_name(product(rows_sd, matrices), "hidden") for matrices in (experts.gate_edf, experts.up_edf)
    )
    return checkpoint_name(product(jax.nn.silu(gate_sf) * up_sf, experts.down_efd), "experts")


def local_experts(
    x_nd: jax.Array,
    experts_nk: jax.Array,
    weights_nk: jax.Array,
    experts: Experts,
    *,
    multiply: Multiply = grouped_matmul,
) -> jax.Array:
    """Send tokens [N, D] to those of their experts [N, k] that this device has, and return the weighted sums [N, D].

    The device has the experts 0, 1, ...; choices of other numbers add nothing. Tokens are sorted by expert, multiplied
    by groups, and unsorted.
    """
    tokens, choices = experts_nk.shape
    slots = assign(experts_nk, experts.number, segments=1, rows=tokens * min(choices, experts.number))
    return collect(swiglu(scatter_tokens(x_nd, slots), slots.sizes_e, experts, multiply), weights_nk, slots)


def dropless(x_btd: jax.Array, choices: Choices, experts: Experts) -> tuple[jax.Array, jax.Array]:
    """Compute a `Dispatch` on one device; nothing is dropped."""
    return local_experts(*flat(x_btd, choices), experts).reshape(x_btd.shape), jnp.zeros(())


def flat(x_btd: jax.Array, choices: Choices) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return x as [N, D], and experts and weights as [N, k], where N is B T."""
    tokens = math.prod(x_btd.shape[:2])
    return x_btd.reshape(tokens, -1), choices.experts_btk.reshape(tokens, -1), choices.weights_btk.reshape(tokens, -1)
