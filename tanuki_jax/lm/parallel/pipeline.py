"""Pipeline parallelism over `stage`: micro-batches pass through the stages, in the circular interleaved schedule.

All stages work in step. In every round each stage takes what its predecessor computed in the round before, and the last
stage passes to the first. With S stages, R chunks of layers in each (stage s has the chunks r S + s) and M
micro-batches a pass takes M R + S - 1 rounds, of which each stage is idle for S - 1 (Narayanan et al. 2021, section
2.2.2, with groups of S micro-batches). The backward pass is the same in reverse.

A micro-batch makes R trips around the circle. S of them are under way at a time, one at each stage; below, "turn" is
the number of such a set of S micro-batches, and "chunk" the number of its trip.

With S = 2, R = 2 and M = 4, as MICRO-BATCH.CHUNK, micro-batches numbered as they start (0 and 1 are turn 0):

    round      0    1    2    3    4    5    6    7    8
    stage 0   0.0  1.0  0.1  1.1  2.0  3.0  2.1  3.1
    stage 1        0.0  1.0  0.1  1.1  2.0  3.0  2.1  3.1

A stage that is idle computes too: on zeros before its first micro-batch, and after its last on rows that stage 0 took a
second time. Nothing of it reaches the results, so it has no gradient.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from tanuki_jax.config.experiment import Layout
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.experts import Routing
from tanuki_jax.lm.model.remat import Remat
from tanuki_jax.lm.model.transformer import Group, LayerParams, RunLayers, scan_layers
from tanuki_jax.lm.model.weights import weights
from tanuki_jax.lm.parallel.sharding import ROWS, row_parts, step_spec


class Pipeline(NamedTuple):
    """Function that runs the layers of a layout, and one that sums the tokens of each micro-batch."""

    run_layers: RunLayers
    sums: Callable[[jax.Array], jax.Array]
    """Sum per micro-batch, [B, T] -> [M], in the order in which `run_layers` returns routing statistics."""


def make_pipeline(mesh: Mesh, model: Model, layout: Layout) -> Pipeline:
    """Return the pipeline of a layout; without stages all rows pass through the layers together."""
    if layout.stage == 1:
        return Pipeline(scan_layers, lambda x_bt: x_bt.sum()[None])

    def sums(x_bt: jax.Array) -> jax.Array:
        return _split(mesh, layout, x_bt).sum((2, 3)).ravel()

    return Pipeline(functools.partial(pipeline_layers, mesh, model, layout), sums)


def bubble(layout: Layout) -> float:
    """Return the share of the rounds in which a stage is idle."""
    rounds = layout.microbatches * layout.interleave
    return (layout.stage - 1) / (rounds + layout.stage - 1)


class _Cargo(NamedTuple):
    """One micro-batch at each stage, as it moves from stage to stage."""

    x: jax.Array
    segment_ids: jax.Array
    positions: jax.Array


def pipeline_layers(
    mesh: Mesh,
    model: Model,
    layout: Layout,
    groups_of_layers: Sequence[Group],
    remat: Remat,
    x_btd: jax.Array,
    segment_ids: jax.Array,
    positions: jax.Array,
) -> tuple[jax.Array, Routing | None]:
    """Run all rows through the stages: a `RunLayers` for layers that are all alike."""
    (alike,) = groups_of_layers
    stages, chunks, turns = layout.stage, layout.interleave, layout.microbatches // layout.stage
    stage, constrain = jnp.arange(stages), functools.partial(_on_stages, mesh)
    params = _by_chunk(mesh, model, layout, alike.params)

    def one_layer(x_btd: jax.Array, segment_ids: jax.Array, positions: jax.Array, chunk: jax.Array, layers: Any) -> Any:
        # The choice of the chunk stands inside what is rematerialised: else the weights of every round would be kept.
        chosen = jax.tree.map(lambda w: jax.lax.dynamic_index_in_dim(w, chunk, keepdims=False), layers)
        return alike.layer(x_btd, segment_ids, positions, chosen)

    @functools.partial(jax.vmap, spmd_axis_name="stage")
    def work(cargo: _Cargo, chunk: jax.Array, layers: LayerParams) -> tuple[jax.Array, Routing | None]:
        def step(x_btd: jax.Array, layers: LayerParams) -> tuple[jax.Array, Routing | None]:
            return remat(one_layer)(x_btd, cargo.segment_ids, cargo.positions, chunk, layers)

        return jax.lax.scan(step, cargo.x, layers)

    def one_round(carry: tuple[_Cargo, _Cargo, jax.Array], number: jax.Array) -> Any:
        moving, waiting, done = carry
        # 1. Stage 0 begins a fresh micro-batch where a turn begins; otherwise it goes on with what came around the
        # circle. Micro-batches wait where their rows are stored; the queues move one stage back for each that stage
        # 0 takes.
        turn, chunk = _place_in_schedule(number, chunks, stages)
        fresh = _slot(waiting, turn, turns)
        moving = jax.tree.map(functools.partial(_at_stages, (stage == 0) & (chunk == 0)), fresh, moving)
        rest = jax.tree.map(lambda new: jnp.where(chunk == 0, _handed(mesh, new, -1), new), fresh)
        waiting = _put(waiting, turn, turns, rest)

        # 2. Every stage computes its current chunk of layers.
        _, chunks_s = _place_in_schedule(number - stage, chunks, stages)
        x, routing = work(moving, chunks_s, params)
        x = constrain(x)

        # 3. What the last stage gives after the last chunk is done. It is queued at the last stage, and the queue moves
        # one stage back with each arrival: the first of a turn ends at stage 0, in the order in which they waited.
        turn, chunk = _place_in_schedule(number - (stages - 1), chunks, stages)
        before = _slot(done, turn, turns)
        arrived = _at_stages(stage == stages - 1, x, _handed(mesh, before, -1))
        done = _put(done, turn, turns, jnp.where((number >= stages - 1) & (chunk == chunks - 1), arrived, before))

        # 4. All hand on to the next stage.
        moving = jax.tree.map(lambda part: _handed(mesh, part, 1), _Cargo(x, moving.segment_ids, moving.positions))
        return (moving, jax.tree.map(constrain, waiting), constrain(done)), routing

    waiting = _Cargo(*(_split(mesh, layout, part) for part in (x_btd, segment_ids, positions)))
    empty = jax.tree.map(lambda part: constrain(jnp.zeros_like(part[:, 0])), waiting)
    rounds = jnp.arange(layout.microbatches * chunks + stages - 1)
    (_, _, done), routing = jax.lax.scan(one_round, (empty, waiting, jnp.zeros_like(waiting.x)), rounds)
    return _joined(mesh, done, x_btd.shape), jax.tree.map(functools.partial(_in_order, layout), routing)


def _place_in_schedule(number: jax.Array, chunks: int, stages: int) -> tuple[jax.Array, jax.Array]:
    """Return turn and chunk of the micro-batch that stage 0 works on in round `number`; stage s is s rounds behind."""
    return number // (stages * chunks), number // stages % chunks


@jax.checkpoint
def _at_stages(mask_s: jax.Array, new: jax.Array, old: jax.Array) -> jax.Array:
    """Return `new` at the stages of the mask, `old` at the others; the backward pass keeps the mask of stages alone."""
    return jnp.where(mask_s.reshape(-1, *(1,) * (new.ndim - 1)), new, old)


def _slot(tree: Any, turn: jax.Array, turns: int) -> Any:
    """Return one micro-batch of every stage: [S, turns, ...] -> [S, ...]."""

    def slot(x: jax.Array) -> jax.Array:
        return jax.lax.dynamic_index_in_dim(x, jnp.clip(turn, 0, turns - 1), 1, keepdims=False)

    return jax.tree.map(slot, tree)


def _put(tree: Any, turn: jax.Array, turns: int, new: Any) -> Any:
    def put(x: jax.Array, part: jax.Array) -> jax.Array:
        return jax.lax.dynamic_update_index_in_dim(x, part, jnp.clip(turn, 0, turns - 1), 1)

    return jax.tree.map(put, tree, new)


def _handed(mesh: Mesh, x: jax.Array, by: int) -> jax.Array:
    """Send every stage's part [S, ...] to the stage `by` further around the circle."""
    stages = mesh.shape["stage"]
    pairs = [(stage, (stage + by) % stages) for stage in range(stages)]
    hand = functools.partial(jax.lax.ppermute, axis_name="stage", perm=pairs)
    handed: jax.Array = jax.shard_map(hand, mesh=mesh, in_specs=P("stage"), out_specs=P("stage"), axis_names={"stage"})(
        x
    )
    return handed


def _on_stages(mesh: Mesh, x: jax.Array) -> jax.Array:
    """Place the first dim of x on `stage`, and leave the others as they are."""
    spec = P("stage", *(P.UNCONSTRAINED,) * (x.ndim - 1))
    return jax.lax.with_sharding_constraint(x, NamedSharding(mesh, spec))


def _split(mesh: Mesh, layout: Layout, x: jax.Array) -> jax.Array:
    """Cut [rows, ...] into micro-batches [S, M / S, rows / M, ...], each of every device's own rows, so that nothing
    moves."""
    devices = row_parts(mesh.shape)
    turns, rest = layout.microbatches // layout.stage, x.shape[1:]
    parts = x.reshape(layout.stage, devices, turns, -1, *rest).swapaxes(1, 2).reshape(layout.stage, turns, -1, *rest)
    spec = P("stage", None, ROWS, *(P.UNCONSTRAINED,) * len(rest))
    return jax.lax.with_sharding_constraint(parts, NamedSharding(mesh, spec))


def _joined(mesh: Mesh, x: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Undo `_split`."""
    stages, turns, _, *rest = x.shape
    devices = row_parts(mesh.shape)
    return x.reshape(stages, turns, devices, -1, *rest).swapaxes(1, 2).reshape(shape)


def _in_order(layout: Layout, part: jax.Array) -> jax.Array:
    """Return statistics of every round and stage, [rounds, S, L / S R, ...], by micro-batch and layer: [M, L, ...]."""
    stages, chunks, turns = layout.stage, layout.interleave, layout.microbatches // layout.stage
    # The micro-batch stored at [first, turn] begins in round S R turn + first; each trip adds S rounds, each stage one.
    first, turn, chunk, stage = np.ogrid[:stages, :turns, :chunks, :stages]
    ordered = part[(turn * chunks + chunk) * stages + first + stage, stage]
    return ordered.reshape(stages * turns, -1, *part.shape[3:])


def _by_chunk(mesh: Mesh, model: Model, layout: Layout, params: LayerParams) -> LayerParams:
    """Return parameters [L, ...], stored by stage in the order of layers, as [S, L / (S R), R, ...]: chunk r of stage s
    at [s, :, r].

    Where a stage has several chunks, each is sent from the stage that stores it to the one that computes it, and its
    gradient back.
    """
    stages, chunks = layout.stage, layout.interleave
    if chunks == 1:
        return jax.tree.map(lambda w: _on_stages(mesh, w.reshape(stages, -1, 1, *w.shape[1:])), params)
    rows, (layer_group,) = weights(model), model.groups

    def move(path: tuple[Any, ...], w: jax.Array) -> jax.Array:
        name, *part = (str(entry.key) for entry in path if isinstance(entry, jax.tree_util.DictKey))
        spec = step_spec(rows[layer_group.path(name)], layout, *part)
        local = functools.partial(_to_their_stages, stages, chunks)
        moved: jax.Array = jax.shard_map(local, mesh=mesh, in_specs=spec, out_specs=P("stage", None, None, *spec[1:]))(
            w
        )
        return moved

    moved: LayerParams = jax.tree_util.tree_map_with_path(move, params)
    return moved


def _to_their_stages(stages: int, chunks: int, w: jax.Array) -> jax.Array:
    """Exchange this stage's consecutive layers [L / S, ...] for the layers of its chunks [1, L / (S R), R, ...]; inside
    `shard_map`.

    Part p of all S R, in the order of layers, is stored at stage p // R, and is chunk p // S of stage p mod S, which
    computes it. There are R exchanges; in each every stage sends one part and receives one.
    """
    own = w.reshape(chunks, -1, *w.shape[1:])
    local, received = jax.lax.axis_index("stage"), jnp.zeros_like(own)
    # Colour the S R parts with R colours so that no two of a colour are stored at the same stage, nor computed at the
    # same stage: one exchange is then a permutation of stages. p mod R alone tells the parts of a storing stage apart;
    # the shift after every lcm(R, S) parts, when both patterns repeat, does the same for the computing stage.
    period = math.lcm(chunks, stages)
    for colour in range(chunks):
        sent = [p for p in range(stages * chunks) if (p % chunks + p // period) % chunks == colour]
        receivers = np.array([p % stages for p in sent])
        slots = np.empty(stages, np.int32)
        slots[receivers] = [p // stages for p in sent]
        part = jax.lax.dynamic_index_in_dim(own, jnp.asarray([p % chunks for p in sent])[local], keepdims=False)
        part = jax.lax.ppermute(part, "stage", list(enumerate(receivers.tolist())))
        received = jax.lax.dynamic_update_index_in_dim(received, part, jnp.asarray(slots)[local], 0)
    return received.swapaxes(0, 1)[None]
