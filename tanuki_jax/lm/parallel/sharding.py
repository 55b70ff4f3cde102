"""One table of sharding rules: which mesh axes split which dims of parameters and activations."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

import jax
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Data, Layout
from tanuki_jax.config.lora import Projection
from tanuki_jax.lm.model.lora import input_dims, lead_dims
from tanuki_jax.lm.model.transformer import Constrain, Params
from tanuki_jax.lm.parallel.context import time_order

ROWS = ("data", "fsdp", "expert")
"""Mesh axes that split the rows of a micro-batch."""

BATCH_ROWS = ("stage", *ROWS)
"""Mesh axes that split rows outside the layers, where stages are so many replicas more."""

SHARED = ("fsdp", "expert")
"""Mesh axes that share the parameters outside experts; those within them `fsdp` shares alone."""

PARAMETERS = {
    "embedding": P("tensor", SHARED),
    "output": P(SHARED, "tensor"),
    "norm": P(),
    "attention_norm": P("stage"),
    "mlp_norm": P("stage"),
    "q": P("stage", SHARED, "tensor", None),
    "k": P("stage", SHARED, "tensor", None),
    "v": P("stage", SHARED, "tensor", None),
    "o": P("stage", "tensor", None, SHARED),
    "gate": P("stage", SHARED, "tensor"),
    "up": P("stage", SHARED, "tensor"),
    "down": P("stage", "tensor", SHARED),
    "router": P("stage"),
    "expert_gate": P("stage", "expert", "fsdp", "tensor"),
    "expert_up": P("stage", "expert", "fsdp", "tensor"),
    "expert_down": P("stage", "expert", "tensor", "fsdp"),
}
"""By the last key of the path; the first dim of everything in `blocks` is its layer."""


def _of_adapter(projection: str) -> dict[str, P]:
    """A lies as the inputs of the weight that it adapts, B and a magnitude as its outputs; the rank is on all devices."""
    spec, lead = tuple(PARAMETERS[projection]), lead_dims(projection)
    first, inputs, outputs = (
        spec[:lead],
        spec[lead : lead + input_dims(projection)],
        spec[lead + input_dims(projection) :],
    )
    return {
        f"{projection}_a": P(*first, *inputs, None),
        f"{projection}_b": P(*first, None, *outputs),
        f"{projection}_m": P(*first, *outputs),
    }


for _projection in get_args(Projection):
    PARAMETERS |= _of_adapter(_projection)

GATHERED = {
    name: P(*(None if axes in (SHARED, "fsdp") else axes for axes in spec)) for name, spec in PARAMETERS.items()
}
"""The same with all that `fsdp` and `expert` share gathered."""

ACTIVATIONS = {
    "btd": P(ROWS, ("context", "tensor"), None),
    "bthk": P(ROWS, "context", "tensor", None),
    "btf": P(ROWS, "context", "tensor"),
    "embedded": P(BATCH_ROWS, ("context", "tensor"), None),
    "states": P(BATCH_ROWS, "context", None),
}
"""By the names of the axes. Between layers the time dim is split over `tensor` too (sequence parallelism, Korthikanti et al. 2022)."""

BATCH = P(None, BATCH_ROWS, "context")
"""Of a batch [accumulation, rows, T]."""


def weights(layout: Layout) -> dict[str, P]:
    """Where the weights lie that a micro-batch is given, by name: as they are stored, or gathered by `make_gather` before."""
    return GATHERED if layout.zero == 1 else PARAMETERS


def make_gather(mesh: Mesh, layout: Layout) -> Callable[[Params], Params]:
    """What is done to parameters once a step, before any micro-batch: with `zero` 1 all weights are gathered in compute_dtype."""

    def gather(path: tuple[Any, ...], leaf: jax.Array) -> jax.Array:
        name = _ruled(path)
        if name is None or GATHERED[name] == PARAMETERS[name]:
            return leaf
        if _part_of_quantized(path):
            return jax.lax.with_sharding_constraint(leaf, NamedSharding(mesh, _divided(mesh, GATHERED[name], leaf)))
        return jax.lax.with_sharding_constraint(leaf.astype(layout.compute_dtype), NamedSharding(mesh, GATHERED[name]))

    return lambda parameters: jax.tree_util.tree_map_with_path(gather, parameters) if layout.zero == 1 else parameters


def shardings(mesh: Mesh, tree: Any) -> Any:
    """The sharding of every leaf of a tree whose paths end in parameter names: parameters, gradients, Adam's moments.

    Leaves without a rule, such as counters, are replicated. Scales of quantized weights lie as these, but whole where a block of weights
    would be cut. InputError if a mesh axis does not divide the dim that it splits.
    """

    def place(path: tuple[Any, ...], leaf: Any) -> NamedSharding:
        name = _ruled(path)
        spec = PARAMETERS[name] if name is not None and leaf.ndim else P()
        if _part_of_quantized(path, "scale"):
            return NamedSharding(mesh, _divided(mesh, spec, leaf))
        for dim, axes in enumerate(spec):
            size, split = _size(mesh, axes)
            if leaf.shape[dim] % size:
                raise InputError(
                    f"mesh axis {' x '.join(split)} of size {size} does not divide dim {dim} of parameter {name}, "
                    f"whose shape is {'x'.join(map(str, leaf.shape))}"
                )
        return NamedSharding(mesh, spec)

    return jax.tree_util.tree_map_with_path(place, tree)


def _ruled(path: tuple[Any, ...]) -> str | None:
    """The last key of a path that is in the table."""
    return next((key for entry in reversed(path) if (key := str(getattr(entry, "key", ""))) in PARAMETERS), None)


def _part_of_quantized(path: tuple[Any, ...], part: str = "") -> bool:
    """Whether a path ends inside a quantized weight (`model.frozen.freeze`), in that part of it if one is named."""
    return isinstance(path[-1], jax.tree_util.GetAttrKey) and part in ("", path[-1].name)


def _size(mesh: Mesh, axes: Any) -> tuple[int, list[str]]:
    """Among how many devices an entry of a partition spec splits a dim, and the mesh axes that do."""
    split = [axes] if isinstance(axes, str) else [axis for axis in axes or () if mesh.shape[axis] > 1]
    return math.prod(mesh.shape[axis] for axis in split), split


def _divided(mesh: Mesh, spec: P, leaf: Any) -> P:
    """A partition spec without what does not divide a dim of the leaf."""
    return P(*(None if leaf.shape[dim] % _size(mesh, axes)[0] else axes for dim, axes in enumerate(spec)))


def place(mesh: Mesh, tree: Any) -> Any:
    """A tree of `jax.ShapeDtypeStruct`s with the `shardings` that they have on the mesh."""
    return jax.tree.map(
        lambda leaf, at: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=at), tree, shardings(mesh, tree)
    )


def replicate(mesh: Mesh, tree: Any) -> Any:
    """Arrays that every process has alike, as numpy arrays, on all devices."""

    def place(value: Any) -> jax.Array:
        return jax.make_array_from_callback(value.shape, NamedSharding(mesh, P()), lambda index: value[index])

    return jax.tree.map(place, tree)


def activation_constraint(mesh: Mesh) -> Constrain:
    """The `constrain` argument of the model on this mesh."""

    def constrain(x: jax.Array, axes: str) -> jax.Array:
        return jax.lax.with_sharding_constraint(x, NamedSharding(mesh, ACTIVATIONS[axes]))

    return constrain


def row_parts(sizes: Mapping[str, int]) -> int:
    """Among how many devices the rows of a micro-batch are split on a mesh of these sizes, by axis."""
    return math.prod(sizes[axis] for axis in ROWS)


def check_batch(mesh: Mesh, layout: Layout, data: Data) -> None:
    """InputError if the mesh does not divide a micro-batch's rows or, where activations are split along time, its length."""
    parts = row_parts(mesh.shape)
    together = data.batch_rows // layout.accumulation
    if together % layout.microbatches or together // layout.microbatches % parts:
        micro = f" / layout.microbatches {layout.microbatches}" if layout.microbatches > 1 else ""
        raise InputError(
            f"a micro-batch of {together / layout.microbatches:g} rows (data.batch_rows {data.batch_rows} / layout.accumulation "
            f"{layout.accumulation}{micro}) is not divided by the {parts} devices of {' x '.join(ROWS)}"
        )
    halves = 2 if layout.context > 1 else 1
    if data.sequence_length % (halves * layout.context * layout.tensor):
        split = f"{halves} x layout.context {layout.context} x " if layout.context > 1 else ""
        raise InputError(
            f"data.sequence_length {data.sequence_length} is not divided by {split}layout.tensor {layout.tensor}"
        )


def local_rows(mesh: Mesh, shape: Sequence[int]) -> list[int]:
    """Which rows of a batch [accumulation, rows, T] this process's devices hold, counted over accumulation x rows, ascending."""
    accumulation, rows, _ = shape
    parts: Any = NamedSharding(mesh, BATCH).addressable_devices_indices_map(tuple(shape)).values()
    held = {row for _, part, _ in parts for row in range(rows)[part]}
    return [step * rows + row for step in range(accumulation) for row in sorted(held)]


def place_batch(mesh: Mesh, batch: Any, rows: Sequence[int], shape: Sequence[int]) -> Any:
    """Global arrays [accumulation, rows, T] from numpy arrays [len(rows), T] that hold this process's `rows` of them.

    Where `context` splits time, places are in the order of `time_order`.
    """
    sharding = NamedSharding(mesh, BATCH)
    per_step = shape[1]
    order = {row % per_step: place for place, row in enumerate(rows[: len(rows) // shape[0]])}
    times = time_order(mesh.shape["context"], shape[2]) if mesh.shape["context"] > 1 else slice(None)

    def place(local: Any) -> jax.Array:
        steps = local.reshape(shape[0], -1, shape[2])[:, :, times]

        def part(index: Any) -> Any:
            held = [order[row] for row in range(per_step)[index[1]]]
            return steps[index[0], held[0] : held[-1] + 1, index[2]]

        return jax.make_array_from_callback(tuple(shape), sharding, part)

    return jax.tree.map(place, batch)
