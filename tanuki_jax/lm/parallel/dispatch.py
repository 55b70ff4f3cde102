"""Tokens to experts and back on a mesh: experts lie on the devices of `expert`, and no device ever holds those of another."""

import functools
import logging
import math
from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Layout, Router
from tanuki_jax.config.model import Model
from tanuki_jax.lm.kernels.grouped_matmul.grouped_matmul import choose, grouped_matmul
from tanuki_jax.lm.kernels.varying import varying
from tanuki_jax.lm.model.experts import (
    Adapted,
    Choices,
    Dispatch,
    Experts,
    Multiply,
    dropless,
    flat,
    own_experts,
    swiglu,
)
from tanuki_jax.lm.model.slots import assign, collect, spread
from tanuki_jax.lm.parallel import ragged_exchange
from tanuki_jax.lm.parallel.sharding import ACTIVATIONS, ROWS, weights

type Exchange = Literal["none", "all_gather", "all_to_all", "ragged_all_to_all"]

SPLIT = (*ROWS, "context", "tensor")
"""Mesh axes that split the tokens of a layer."""

type Visit = Callable[[jax.Array, jax.Array, jax.Array, Experts], tuple[jax.Array, jax.Array]]
"""x [N, D], experts and weights [N, k] of this device, its experts -> [N, D] and how many choices were dropped."""

NODE = 8
"""Most devices of `expert` that send each other parts of their own size: a node's. XLA's fast kernel takes so many; above 32 it crashes."""


def make_dispatch(mesh: Mesh, model: Model, layout: Layout, router: Router) -> Dispatch:
    """The `dispatch` argument of the model on this mesh, for a layer's experts as the table of sharding rules places them.

    Experts' matrices are gathered over `fsdp`, if it shares them, in the type of x, their gradients summed and scattered back. Tokens are
    gathered over `tensor`, which splits the hidden units, and their results summed and scattered back. What happens over `expert` the log
    says once.

    InputError if `layout.exchange` cannot be done on the mesh's devices, or no grouped matmul serves them.
    """
    if not model.experts:
        return dropless
    exchange = choose_exchange(mesh, layout, router)
    alone = mesh.shape["stage"] == 1  # under the vmap over stages jax 0.12 loses track of what varies along them
    visit = _visit(mesh, model, router, exchange, jnp.dtype(layout.compute_dtype))
    tokens = ACTIVATIONS["btd"]

    def dispatch(x_btd: jax.Array, choices: Choices, experts: Experts) -> tuple[jax.Array, jax.Array]:
        structure, specs = jax.tree.structure(experts), _specs(layout, experts)

        def local(x_btd: jax.Array, choices: Choices, *parts: jax.Array) -> tuple[jax.Array, jax.Array]:
            x_btd, choices = jax.tree.map(
                lambda part: jax.lax.all_gather(part, "tensor", axis=1, tiled=True), (x_btd, choices)
            )
            whole = jax.tree.unflatten(
                structure, [_gathered(part, x_btd, spec) for part, spec in zip(parts, specs, strict=True)]
            )
            _report(
                exchange,
                model,
                router,
                mesh.shape["expert"],
                math.prod(x_btd.shape[:2]),
                x_btd.shape[-1] * x_btd.dtype.itemsize,
            )
            y_nd, dropped = visit(*flat(x_btd, choices), whole)
            y_btd = jax.lax.psum_scatter(y_nd.reshape(x_btd.shape), "tensor", scatter_dimension=1, tiled=True)
            own = jnp.where(jax.lax.axis_index("tensor") == 0, dropped, 0.0)
            return y_btd, jax.lax.psum(varying(own, x_btd), SPLIT)

        placed = jax.shard_map(
            local, mesh=mesh, in_specs=(tokens, tokens, *specs), out_specs=(tokens, P()), check_vma=alone
        )
        return placed(x_btd, choices, *jax.tree.leaves(experts))

    return dispatch


def _specs(layout: Layout, experts: Experts) -> list[P]:
    """Where the arrays of one layer's experts lie, in the order of the tree's leaves."""
    names: list[str] = []
    for name, matrices in zip(("expert_gate", "expert_up", "expert_down"), experts, strict=True):
        names += [name, f"{name}_a", f"{name}_b"] if isinstance(matrices, Adapted) else [name]
    return [P(*weights(layout)[name][1:]) for name in names]


def choose_exchange(mesh: Mesh, layout: Layout, router: Router) -> Exchange:
    """How tokens reach the experts of other devices; see `Layout.exchange`.

    `auto` sends parts of their own size where a node's GPUs split the experts, padded parts where experts have a capacity, and all tokens
    to all elsewhere. InputError for parts of their own size on other devices, or more of them than a node has.
    """
    ranks, platform = mesh.shape["expert"], mesh.devices.flat[0].platform
    if layout.exchange == "ragged_all_to_all" and (platform != "gpu" or ranks > NODE):
        raise InputError(
            f"layout.exchange ragged_all_to_all is for GPUs and a layout.expert of at most {NODE}, "
            f"not for a layout.expert of {ranks} on platform {platform}"
        )
    if ranks == 1:
        return "none"
    if layout.exchange != "auto":
        return layout.exchange
    if router.capacity_factor:
        return "all_to_all"
    span = ranks * mesh.shape["context"] * mesh.shape["tensor"]  # neighbours in a row of devices
    return "ragged_all_to_all" if platform == "gpu" and span <= NODE else "all_gather"


def _visit(mesh: Mesh, model: Model, router: Router, exchange: Exchange, dtype: jnp.dtype) -> Visit:
    if router.capacity_factor:
        return functools.partial(_with_capacity, factor=router.capacity_factor, ranks=mesh.shape["expert"])
    device = mesh.devices.flat[0]
    try:
        choose(device, dtype, (model.width, model.hidden // mesh.shape["tensor"]))
    except InputError as error:
        raise InputError(f"{error}; experts with a router.capacity_factor do without it") from None

    def multiply(x_td: jax.Array, w_edf: jax.Array, group_sizes_e: jax.Array) -> jax.Array:
        return grouped_matmul(x_td, w_edf, group_sizes_e, backend=choose(device, dtype, w_edf.shape[1:]))

    visits = {
        "none": _here,
        "all_gather": _over_all_gather,
        "all_to_all": _over_all_to_all,
        "ragged_all_to_all": _over_ragged,
    }
    return functools.partial(visits[exchange], multiply=multiply)


@functools.cache
def _report(exchange: Exchange, model: Model, router: Router, ranks: int, tokens: int, token_bytes: int) -> None:
    if exchange != "none":
        rows = ranks * tokens * min(model.experts_per_token, model.experts // ranks)
        if router.capacity_factor:
            rows = model.experts * _capacity(router.capacity_factor, tokens, model.experts_per_token, model.experts)
        logging.getLogger(__name__).info(
            "experts: %s over %d devices; with %d tokens on each, the buffer of one has up to %d rows, %.2f GiB",
            exchange, ranks, tokens, rows, rows * token_bytes / 2**30,
        )  # fmt: skip


def _gathered(part: jax.Array, x: jax.Array, spec: P) -> jax.Array:
    """A matrix of this device's experts, whole along `fsdp`; marked before, so that its gradient is scattered first and then summed."""
    part = varying(part, x)
    return jax.lax.all_gather(part, "fsdp", axis=spec.index("fsdp"), tiled=True) if "fsdp" in spec else part


def _none_dropped(x: jax.Array) -> jax.Array:
    return varying(jnp.zeros(()), x)


def _here(
    x_nd: jax.Array, experts_nk: jax.Array, weights_nk: jax.Array, experts: Experts, *, multiply: Multiply
) -> tuple[jax.Array, jax.Array]:
    return own_experts(x_nd, experts_nk, weights_nk, experts, multiply=multiply), _none_dropped(x_nd)


def _over_all_gather(
    x_nd: jax.Array, experts_nk: jax.Array, weights_nk: jax.Array, experts: Experts, *, multiply: Multiply
) -> tuple[jax.Array, jax.Array]:
    """Every device computes what its experts have to say on all tokens; the results are summed and scattered."""
    x_nd, experts_nk, weights_nk = (
        jax.lax.all_gather(part, "expert", tiled=True) for part in (x_nd, experts_nk, weights_nk)
    )
    mine_nk = experts_nk - jax.lax.axis_index("expert") * experts.here
    y_nd = own_experts(x_nd, mine_nk, weights_nk, experts, multiply=multiply)
    return jax.lax.psum_scatter(y_nd, "expert", scatter_dimension=0, tiled=True), _none_dropped(x_nd)


def _over_all_to_all(
    x_nd: jax.Array, experts_nk: jax.Array, weights_nk: jax.Array, experts: Experts, *, multiply: Multiply
) -> tuple[jax.Array, jax.Array]:
    """Every device sends each other one as many rows as it could need, sorted by expert."""
    ranks, own = jax.lax.axis_size("expert"), experts.here
    rows = len(x_nd) * min(own, experts_nk.shape[1])
    slots = assign(experts_nk, ranks * own, segments=ranks, rows=rows)
    sent_sd = jax.lax.all_to_all(spread(x_nd, slots), "expert", 0, 0, tiled=True)
    ends_pe = jnp.cumsum(jax.lax.all_to_all(slots.sizes_e.reshape(ranks, own), "expert", 0, 0, tiled=True), axis=1)
    expert_pr = (jnp.arange(rows)[:, None] >= ends_pe[:, None]).sum(-1)
    answers_sd = own_experts(
        sent_sd, expert_pr.reshape(-1, 1), varying(jnp.ones((ranks * rows, 1)), x_nd), experts, multiply=multiply
    )
    return collect(jax.lax.all_to_all(answers_sd, "expert", 0, 0, tiled=True), weights_nk, slots), _none_dropped(x_nd)


def _over_ragged(
    x_nd: jax.Array, experts_nk: jax.Array, weights_nk: jax.Array, experts: Experts, *, multiply: Multiply
) -> tuple[jax.Array, jax.Array]:
    """Every device sends each other one the rows that are for it, which arrive sorted by expert."""
    ranks, own = jax.lax.axis_size("expert"), experts.here
    slots = assign(experts_nk, ranks * own, segments=1, rows=experts_nk.size)
    counts_pe = jax.lax.all_gather(slots.sizes_e, "expert")
    route = ragged_exchange.route(counts_pe, jax.lax.axis_index("expert"), own)
    worst = ranks * len(x_nd) * min(own, experts_nk.shape[1])
    rows_sd = swiglu(ragged_exchange.exchange(spread(x_nd, slots), route, worst), route.sizes_e, experts, multiply)
    return collect(
        ragged_exchange.exchange(rows_sd, ragged_exchange.back(route), experts_nk.size), weights_nk, slots
    ), _none_dropped(x_nd)


def _capacity(factor: float, tokens: int, choices: int, experts: int) -> int:
    """Rows that each expert has for the tokens of each device."""
    return math.ceil(min(factor * tokens * choices / experts, tokens))


def _each_alike(x_td: jax.Array, w_edf: jax.Array, group_sizes_e: jax.Array) -> jax.Array:
    """`Multiply` of experts that all have the same number of rows, empty ones included; the sizes do not matter."""
    x_ecd = x_td.reshape(len(w_edf), -1, x_td.shape[1])
    return jnp.einsum("ecd,edf->ecf", x_ecd, w_edf).reshape(len(x_td), -1)


def _with_capacity(
    x_nd: jax.Array, experts_nk: jax.Array, weights_nk: jax.Array, experts: Experts, *, factor: float, ranks: int
) -> tuple[jax.Array, jax.Array]:
    """Every expert has as many rows for the tokens of each device, full or not; the tokens that come first have them."""
    own = experts.here
    count = ranks * own
    rows = _capacity(factor, len(x_nd), experts_nk.shape[1], count)
    slots = assign(experts_nk, count, segments=count, rows=rows)
    x_pecd = jax.lax.all_to_all(spread(x_nd, slots).reshape(ranks, own, rows, -1), "expert", 0, 0, tiled=True)
    x_ecd = x_pecd.swapaxes(0, 1).reshape(own, ranks * rows, -1)
    y_sd = swiglu(x_ecd.reshape(own * ranks * rows, -1), slots.sizes_e, experts, _each_alike)
    y_pecd = jax.lax.all_to_all(y_sd.reshape(own, ranks, rows, -1).swapaxes(0, 1), "expert", 0, 0, tiled=True)
    dropped = ((experts_nk < count).sum() - slots.sizes_e.sum()).astype(jnp.float32)
    return collect(y_pecd.reshape(count * rows, -1), weights_nk, slots), dropped
