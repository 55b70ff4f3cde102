"""Pipeline parallelism over `stage`: micro-batches pass through the stages one behind the other, in the circular interleaved schedule.

Stages work in step: in every round each takes what the one before it gave, and the last hands to the first. With S stages, R groups of
layers in each (layers r S + s in turn are those of stage s) and M micro-batches a round trip takes M R + S - 1 rounds, of which each
stage idles S - 1 (Narayanan et al. 2021, section 2.2.2, with groups of S micro-batches). The backward pass is the same backwards.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from tanuki_jax.config.experiment import Layout
from tanuki_jax.lm.model.experts import Routing
from tanuki_jax.lm.model.remat import Remat
from tanuki_jax.lm.model.transformer import Layer, Params, Through, one_after_another
from tanuki_jax.lm.parallel.sharding import ROWS, row_parts, weights


class Pipeline(NamedTuple):
    """How rows go through the layers."""

    through: Through
    """Takes them there."""
    sums: Callable[[jax.Array], jax.Array]
    """[B, T] -> [M]: what the micro-batches have of it, in the order in which `through` tells what routers did with them."""


def make_pipeline(mesh: Mesh, layout: Layout) -> Pipeline:
    """The pipeline of a layout; without stages all rows go through the layers together."""
    if layout.stage == 1:
        return Pipeline(one_after_another, lambda x_bt: x_bt.sum()[None])

    def sums(x_bt: jax.Array) -> jax.Array:
        return _split(mesh, layout, x_bt).sum((2, 3)).ravel()

    return Pipeline(functools.partial(_through, mesh, layout), sums)


def bubble(layout: Layout) -> float:
    """Share of the rounds in which a stage has nothing to do."""
    rounds = layout.microbatches * layout.interleave
    return (layout.stage - 1) / (rounds + layout.stage - 1)


class _Cargo(NamedTuple):
    """What moves from stage to stage: a micro-batch of each."""

    x: jax.Array
    segment_ids: jax.Array
    positions: jax.Array


def _through(
    mesh: Mesh,
    layout: Layout,
    layer: Layer,
    remat: Remat,
    x_btd: jax.Array,
    segment_ids: jax.Array,
    positions: jax.Array,
    blocks: Params,
) -> tuple[jax.Array, Routing | None]:
    stages, groups, trips = layout.stage, layout.interleave, layout.microbatches // layout.stage
    stage, spread = jnp.arange(stages), functools.partial(_on_stages, mesh)
    blocks = _by_group(mesh, layout, blocks)

    def one_layer(
        x_btd: jax.Array, segment_ids: jax.Array, positions: jax.Array, group: jax.Array, layers: Params
    ) -> Any:
        chosen = jax.tree.map(lambda w: jax.lax.dynamic_index_in_dim(w, group, keepdims=False), layers)
        return layer(x_btd, segment_ids, positions, chosen)

    @functools.partial(jax.vmap, spmd_axis_name="stage")
    def work(cargo: _Cargo, group: jax.Array, layers: Params) -> tuple[jax.Array, Routing | None]:
        def step(x_btd: jax.Array, layers: Params) -> tuple[jax.Array, Routing | None]:
            return remat(one_layer)(x_btd, cargo.segment_ids, cargo.positions, group, layers)

        return jax.lax.scan(step, cargo.x, layers)

    def round_of(carry: tuple[_Cargo, _Cargo, jax.Array], number: jax.Array) -> Any:
        moving, waiting, done = carry
        trip, group = _at(number, groups, stages)
        fresh = _slot(waiting, trip, trips)
        moving = jax.tree.map(functools.partial(_at_stages, (stage == 0) & (group == 0)), fresh, moving)
        waiting = _put(
            waiting, trip, trips, jax.tree.map(lambda new: jnp.where(group == 0, _handed(mesh, new, -1), new), fresh)
        )

        _, groups_s = _at(number - stage, groups, stages)
        x, routing = work(moving, groups_s, blocks)
        x = spread(x)

        trip, group = _at(number - (stages - 1), groups, stages)
        before = _slot(done, trip, trips)
        arrived = _at_stages(stage == stages - 1, x, _handed(mesh, before, -1))
        done = _put(done, trip, trips, jnp.where((number >= stages - 1) & (group == groups - 1), arrived, before))
        moving = jax.tree.map(lambda part: _handed(mesh, part, 1), _Cargo(x, moving.segment_ids, moving.positions))
        return (moving, jax.tree.map(spread, waiting), spread(done)), routing

    waiting = _Cargo(*(_split(mesh, layout, part) for part in (x_btd, segment_ids, positions)))
    empty = jax.tree.map(lambda part: spread(jnp.zeros_like(part[:, 0])), waiting)
    rounds = jnp.arange(layout.microbatches * groups + stages - 1)
    (_, _, done), routing = jax.lax.scan(round_of, (empty, waiting, jnp.zeros_like(waiting.x)), rounds)
    return _joined(mesh, done, x_btd.shape), jax.tree.map(functools.partial(_in_order, layout), routing)


def _at(number: jax.Array, groups: int, stages: int) -> tuple[jax.Array, jax.Array]:
    """What a micro-batch that began its turn at stage 0 `number` rounds after the first does: of which trip it is, and in which group."""
    return number // (stages * groups), number // stages % groups


@jax.checkpoint
def _at_stages(mask_s: jax.Array, new: jax.Array, old: jax.Array) -> jax.Array:
    """New where the mask of the stage says so. The backward pass is left the mask of stages, not one of everything in them."""
    return jnp.where(mask_s.reshape(-1, *(1,) * (new.ndim - 1)), new, old)


def _slot(tree: Any, trip: jax.Array, trips: int) -> Any:
    """One micro-batch of every stage: [S, trips, ...] -> [S, ...]."""
    return jax.tree.map(
        lambda x: jax.lax.dynamic_index_in_dim(x, jnp.clip(trip, 0, trips - 1), 1, keepdims=False), tree
    )


def _put(tree: Any, trip: jax.Array, trips: int, new: Any) -> Any:
    return jax.tree.map(
        lambda x, part: jax.lax.dynamic_update_index_in_dim(x, part, jnp.clip(trip, 0, trips - 1), 1), tree, new
    )


def _handed(mesh: Mesh, x: jax.Array, by: int) -> jax.Array:
    """Every stage's part [S, ...] to the stage `by` places on, around the circle."""
    stages = mesh.shape["stage"]
    pairs = [(stage, (stage + by) % stages) for stage in range(stages)]
    hand = functools.partial(jax.lax.ppermute, axis_name="stage", perm=pairs)
    handed: jax.Array = jax.shard_map(hand, mesh=mesh, in_specs=P("stage"), out_specs=P("stage"), axis_names={"stage"})(
        x
    )
    return handed


def _on_stages(mesh: Mesh, x: jax.Array) -> jax.Array:
    """x with its first dim on `stage`, the others as they are."""
    return jax.lax.with_sharding_constraint(x, NamedSharding(mesh, P("stage", *(P.UNCONSTRAINED,) * (x.ndim - 1))))


def _split(mesh: Mesh, layout: Layout, x: jax.Array) -> jax.Array:
    """[rows, ...] -> [S, M / S, rows / M, ...]: each device's own rows in parts, so that nothing moves."""
    devices = row_parts(mesh.shape)
    trips, rest = layout.microbatches // layout.stage, x.shape[1:]
    parts = x.reshape(layout.stage, devices, trips, -1, *rest).swapaxes(1, 2).reshape(layout.stage, trips, -1, *rest)
    spec = P("stage", None, ROWS, *(P.UNCONSTRAINED,) * len(rest))
    return jax.lax.with_sharding_constraint(parts, NamedSharding(mesh, spec))


def _joined(mesh: Mesh, x: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """`_split` undone."""
    stages, trips, _, *rest = x.shape
    devices = row_parts(mesh.shape)
    return x.reshape(stages, trips, devices, -1, *rest).swapaxes(1, 2).reshape(shape)


def _in_order(layout: Layout, part: jax.Array) -> jax.Array:
    """What every stage's layers told in every round [rounds, S, L / S R, ...] as [M, L, ...]."""
    stages, groups, trips = layout.stage, layout.interleave, layout.microbatches // layout.stage
    place, trip, group, stage = np.ogrid[:stages, :trips, :groups, :stages]
    told = part[(trip * groups + group) * stages + place + stage, stage]
    return told.reshape(stages * trips, -1, *part.shape[3:])


def _by_group(mesh: Mesh, layout: Layout, blocks: Params) -> Params:
    """Parameters with a leading axis L, stored by stage in the order of layers, as [S, L / (S R), R, ...], group r of stage s in its place.

    Where a stage has several groups, each goes from where it is stored to where it works, and its gradient back.
    """
    stages, groups = layout.stage, layout.interleave
    if groups == 1:
        return jax.tree.map(lambda w: _on_stages(mesh, w.reshape(stages, -1, 1, *w.shape[1:])), blocks)

    def move(w: jax.Array, spec: P) -> jax.Array:
        local = functools.partial(_to_their_stages, stages, groups)
        placed = jax.shard_map(local, mesh=mesh, in_specs=spec, out_specs=P("stage", None, None, *spec[1:]))
        return placed(w)

    return {name: move(w, weights(layout)[name]) for name, w in blocks.items()}


def _to_their_stages(stages: int, groups: int, w: jax.Array) -> jax.Array:
    """Inside `shard_map`: this stage's consecutive layers [L / S, ...] -> the layers of its groups [1, L / (S R), R, ...].

    Group c of all S R is stored at stage c // R and works at c mod S. In each of R exchanges every stage sends one and receives one: those
    of the same colour, of which no two are stored, or work, at the same stage.
    """
    chunks = w.reshape(groups, -1, *w.shape[1:])
    here, received = jax.lax.axis_index("stage"), jnp.zeros_like(chunks)
    period = math.lcm(groups, stages)
    for colour in range(groups):
        sent = [c for c in range(stages * groups) if (c % groups + c // period) % groups == colour]
        to = np.array([c % stages for c in sent])
        slot = np.empty(stages, np.int32)
        slot[to] = [c // stages for c in sent]
        part = jax.lax.dynamic_index_in_dim(chunks, jnp.asarray([c % groups for c in sent])[here], keepdims=False)
        part = jax.lax.ppermute(part, "stage", list(enumerate(to.tolist())))
        received = jax.lax.dynamic_update_index_in_dim(received, part, jnp.asarray(slot)[here], 0)
    return received.swapaxes(0, 1)[None]
