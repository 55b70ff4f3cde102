"""Dispatch of tokens to experts on a mesh: the ranks of `expert` split the experts, and tokens travel to them, never an
expert to another rank."""

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
    local_experts,
    swiglu,
)
from tanuki_jax.lm.model.slots import assign, collect, scatter_tokens
from tanuki_jax.lm.model.weights import projections
from tanuki_jax.lm.parallel import ragged_exchange
from tanuki_jax.lm.parallel.sharding import ACTIVATIONS, ROWS, step_spec

type Exchange = Literal["none", "all_gather", "all_to_all", "ragged_all_to_all"]

SPLIT = (*ROWS, "context", "tensor")
"""Mesh axes that split the tokens of a layer."""

type Visit = Callable[[jax.Array, jax.Array, jax.Array, Experts], tuple[jax.Array, jax.Array]]
"""(x [N, D], experts and weights [N, k] of this device, its experts) -> results [N, D], and the number of dropped
choices."""

NODE = 8
"""Largest `expert` axis for `ragged_all_to_all`: the GPUs of a node. XLA's fast kernel serves so many; above 32
`ragged_all_to_all` crashes."""


def make_dispatch(mesh: Mesh, model: Model, layout: Layout, router: Router) -> Dispatch:
    """Return the `dispatch` argument of the model on a mesh, for experts placed by the sharding rules.

    Matrices of experts are gathered over `fsdp`, if it shares them, in the type of x; their gradients are summed and
    scattered back. Tokens are gathered over `tensor`, which splits the hidden units, and their results summed and
    scattered back. The exchange over `expert` is logged once.

    InputError if the mesh's devices cannot do `layout.exchange`, or have no grouped matmul.
    """
    if not model.experts:
        return dropless
    exchange = choose_exchange(mesh, layout, router)
    no_stages = mesh.shape["stage"] == 1  # under the vmap over stages jax 0.12 loses track of what varies along them
    visit = _visit(mesh, model, router, exchange, jnp.dtype(layout.compute_dtype))
    tokens = ACTIVATIONS["btd"]

    def dispatch(x_btd: jax.Array, choices: Choices, experts: Experts) -> tuple[jax.Array, jax.Array]:
        structure, specs = jax.tree.structure(experts), _specs(model, layout, experts)

        def gather_time(part: jax.Array) -> jax.Array:
            gathered: jax.Array = jax.lax.all_gather(part, "tensor", axis=1, tiled=True)
            return gathered

        def local(x_btd: jax.Array, choices: Choices, *parts: jax.Array) -> tuple[jax.Array, jax.Array]:
            x_btd, choices = jax.tree.map(gather_time, (x_btd, choices))
            matrices = [_gathered(part, x_btd, spec) for part, spec in zip(parts, specs, strict=True)]
            count, token_bytes = math.prod(x_btd.shape[:2]), x_btd.shape[-1] * x_btd.dtype.itemsize
            _report(exchange, model, router, mesh.shape["expert"], count, token_bytes)
            y_nd, dropped = visit(*flat(x_btd, choices), jax.tree.unflatten(structure, matrices))
            y_btd = jax.lax.psum_scatter(y_nd.reshape(x_btd.shape), "tensor", scatter_dimension=1, tiled=True)
            # Every device of `tensor` saw the same choices: one of them reports what was dropped.
            local_dropped = jnp.where(jax.lax.axis_index("tensor") == 0, dropped, 0.0)
            return y_btd, jax.lax.psum(varying(local_dropped, x_btd), SPLIT)

        in_specs = (tokens, tokens, *specs)
        on_mesh = jax.shard_map(local, mesh=mesh, in_specs=in_specs, out_specs=(tokens, P()), check_vma=no_stages)
        return on_mesh(x_btd, choices, *jax.tree.leaves(experts))

    return dispatch


def _specs(model: Model, layout: Layout, experts: Experts) -> list[P]:
    """Return how the arrays of one layer's experts lie, in the order of the tree's leaves."""
    specs: list[P] = []
    for name, matrices in zip(("expert_gate", "expert_up", "expert_down"), experts, strict=True):
        row = next(iter(projections(model, (name,)).values()))
        parts = ("", "a", "b") if isinstance(matrices, Adapted) else ("",)
        specs += [P(*step_spec(row, layout, part)[1:]) for part in parts]  # without the dim of layers
    return specs


def choose_exchange(mesh: Mesh, layout: Layout, router: Router) -> Exchange:
    """Return how tokens reach the experts of other devices; see `Layout.exchange`.

    `auto` takes all_to_all, with padded parts, if experts have a capacity; ragged_all_to_all, with parts of their own
    size, if the GPUs of a node split the experts; and all_gather otherwise. InputError for ragged_all_to_all on other
    devices than GPUs, or on more of them than a node has.
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
    if router.capacity_factor:  # all parts have one size, and so an all_to_all of their own
        return functools.partial(_with_capacity, factor=router.capacity_factor, ranks=mesh.shape["expert"])
    device = mesh.devices.flat[0]
    try:
        choose(device, dtype, (model.width, model.hidden // mesh.shape["tensor"]))
    except InputError as error:
        raise InputError(f"{error}; experts with a router.capacity_factor need no grouped matmul") from None

    def multiply(x_td: jax.Array, w_edf: jax.Array, group_sizes_e: jax.Array) -> jax.Array:
        return grouped_matmul(x_td, w_edf, group_sizes_e, backend=choose(device, dtype, w_edf.shape[1:]))

    visits = {
        "none": _on_this_device,
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
    """Gather a matrix of this device's experts over `fsdp`.

    It is marked as varying before it is gathered, so that its gradient is scattered first and only its part summed.
    """
    part = varying(part, x)
    return jax.lax.all_gather(part, "fsdp", axis=spec.index("fsdp"), tiled=True) if "fsdp" in spec else part


def _none_dropped(x: jax.Array) -> jax.Array:
    return varying(jnp.zeros(()), x)


def _on_this_device(
    x_nd: jax.Array, experts_nk: jax.Array, weights_nk: jax.Array, experts: Experts, *, multiply: Multiply
) -> tuple[jax.Array, jax.Array]:
    return local_experts(x_nd, experts_nk, weights_nk, experts, multiply=multiply), _none_dropped(x_nd)


def _over_all_gather(
    x_nd: jax.Array, experts_nk: jax.Array, weights_nk: jax.Array, experts: Experts, *, multiply: Multiply
) -> tuple[jax.Array, jax.Array]:
    """Gather all tokens on every device, which applies its experts to them; sum and scatter the results."""
    x_nd, experts_nk, weights_nk = (
        jax.lax.all_gather(part, "expert", tiled=True) for part in (x_nd, experts_nk, weights_nk)
    )
    # Number the experts from this device's first one: choices of others are then out of range, and add nothing.
    local_nk = experts_nk - jax.lax.axis_index("expert") * experts.number
    y_nd = local_experts(x_nd, local_nk, weights_nk, experts, multiply=multiply)
    return jax.lax.psum_scatter(y_nd, "expert", scatter_dimension=0, tiled=True), _none_dropped(x_nd)


def _over_all_to_all(
    x_nd: jax.Array, experts_nk: jax.Array, weights_nk: jax.Array, experts: Experts, *, multiply: Multiply
) -> tuple[jax.Array, jax.Array]:
    """Send each device as many rows as it could need, sorted by expert and padded, and collect the results."""
    ranks, local = jax.lax.axis_size("expert"), experts.number
    rows = len(x_nd) * min(local, experts_nk.shape[1])  # the worst case: every token chooses experts of one device
    slots = assign(experts_nk, ranks * local, segments=ranks, rows=rows)
    sent_sd = jax.lax.all_to_all(scatter_tokens(x_nd, slots), "expert", 0, 0, tiled=True)
    # Receive how many rows each sender has for each local expert; from the ends follows the expert of every row, and
    # padding has none.
    sizes_pe = jax.lax.all_to_all(slots.sizes_e.reshape(ranks, local), "expert", 0, 0, tiled=True)
    expert_pr = (jnp.arange(rows)[:, None] >= jnp.cumsum(sizes_pe, axis=1)[:, None]).sum(-1)
    ones_s1 = varying(jnp.ones((ranks * rows, 1)), x_nd)
    answers_sd = local_experts(sent_sd, expert_pr.reshape(-1, 1), ones_s1, experts, multiply=multiply)
    returned_sd = jax.lax.all_to_all(answers_sd, "expert", 0, 0, tiled=True)
    return collect(returned_sd, weights_nk, slots), _none_dropped(x_nd)


def _over_ragged(
    x_nd: jax.Array, experts_nk: jax.Array, weights_nk: jax.Array, experts: Experts, *, multiply: Multiply
) -> tuple[jax.Array, jax.Array]:
    """Send each device exactly the rows for its experts, which arrive sorted by expert, and collect the results."""
    ranks, local = jax.lax.axis_size("expert"), experts.number
    slots = assign(experts_nk, ranks * local, segments=1, rows=experts_nk.size)
    counts_pe = jax.lax.all_gather(slots.sizes_e, "expert")
    route = ragged_exchange.route(counts_pe, jax.lax.axis_index("expert"), local)
    worst = ranks * len(x_nd) * min(local, experts_nk.shape[1])
    received_sd = ragged_exchange.exchange(scatter_tokens(x_nd, slots), route, worst)
    answers_sd = swiglu(received_sd, route.sizes_e, experts, multiply)
    returned_sd = ragged_exchange.exchange(answers_sd, ragged_exchange.reversed_route(route), experts_nk.size)
    return collect(returned_sd, weights_nk, slots), _none_dropped(x_nd)


def _capacity(factor: float, tokens: int, choices: int, experts: int) -> int:
    """Return the rows that each expert has for the tokens of each device."""
    return math.ceil(min(factor * tokens * choices / experts, tokens))


def _equal_groups(x_td: jax.Array, w_edf: jax.Array, group_sizes_e: jax.Array) -> jax.Array:
    """Compute a `Multiply` of experts that all have the same number of rows, empty ones included; the sizes do not
    matter."""
    x_ecd = x_td.reshape(len(w_edf), -1, x_td.shape[1])
    return jnp.einsum("ecd,edf->ecf", x_ecd, w_edf).reshape(len(x_td), -1)


def _with_capacity(
    x_nd: jax.Array, experts_nk: jax.Array, weights_nk: jax.Array, experts: Experts, *, factor: float, ranks: int
) -> tuple[jax.Array, jax.Array]:
    """Give every expert the same number of rows for the tokens of each device, full or not; earlier tokens have
    priority."""
    local = experts.number
    count = ranks * local
    rows = _capacity(factor, len(x_nd), experts_nk.shape[1], count)
    slots = assign(experts_nk, count, segments=count, rows=rows)
    sent_pecd = scatter_tokens(x_nd, slots).reshape(ranks, local, rows, -1)
    x_pecd = jax.lax.all_to_all(sent_pecd, "expert", 0, 0, tiled=True)
    x_ecd = x_pecd.swapaxes(0, 1).reshape(local, ranks * rows, -1)
    group_sizes_e = jnp.full(local, ranks * rows)
    y_sd = swiglu(x_ecd.reshape(local * ranks * rows, -1), group_sizes_e, experts, _equal_groups)
    y_pecd = y_sd.reshape(local, ranks, rows, -1).swapaxes(0, 1)
    returned_pecd = jax.lax.all_to_all(y_pecd, "expert", 0, 0, tiled=True)
    dropped = ((experts_nk < count).sum() - slots.sizes_e.sum()).astype(jnp.float32)
    return collect(returned_pecd.reshape(count * rows, -1), weights_nk, slots), dropped
