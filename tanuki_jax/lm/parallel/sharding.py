"""Placement of arrays on a mesh: mesh axes for the logical dims of weights, and for the dims of activations and
batches."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Data, Layout
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.transformer import Constrain
from tanuki_jax.lm.model.weights import Params, Weight, locate
from tanuki_jax.lm.parallel.context import time_order

ROWS = ("data", "fsdp", "expert")
"""Mesh axes that split the rows of a micro-batch."""

BATCH_ROWS = ("stage", *ROWS)
"""Mesh axes that split rows outside the layers, where stages are further replicas."""

SHARED = ("fsdp", "expert")
"""Mesh axes that share the model width of weights; of experts' weights `fsdp` shares it alone."""

WEIGHT_DIMS: Mapping[str, Any] = {
    "l": "stage",
    "e": "expert",
    "d": SHARED,
    "h": "tensor",
    "g": "tensor",
    "k": None,
    "f": "tensor",
    "v": "tensor",
}
"""Logical dim of a weight -> mesh axes that split it."""

ACTIVATIONS = {
    "btd": P(ROWS, ("context", "tensor"), None),
    "bthk": P(ROWS, "context", "tensor", None),
    "btf": P(ROWS, "context", "tensor"),
    "embedded": P(BATCH_ROWS, ("context", "tensor"), None),
    "states": P(BATCH_ROWS, "context", None),
}
"""Names of an activation's dims -> mesh axes that split them.

Between layers `tensor` splits the time dim too (sequence parallelism, Korthikanti et al. 2022).
"""

BATCH = P(None, BATCH_ROWS, "context")
"""Mesh axes that split a batch [accumulation, rows, T]."""


def stored_spec(row: Weight, part: str = "") -> P:
    """Return how a weight, or a part of its adapter, is stored on a mesh.

    A lies as the inputs of the weight that it adapts, B and m as its outputs; the rank is not split. KeyError for a dim
    without a rule.
    """
    names = row.dims.split()
    if unknown := [name for name in names if name not in WEIGHT_DIMS]:
        raise KeyError(f"the dim {unknown[0]!r} of a weight {row.dims!r} has no mesh axes (WEIGHT_DIMS in sharding.py)")
    axes = [None if row.replicated and name != "l" else WEIGHT_DIMS[name] for name in names]
    if "e" in names[: row.lead]:
        axes = ["fsdp" if entry == SHARED else entry for entry in axes]
    lead, inputs, outputs = axes[: row.lead], axes[row.lead : row.lead + row.inputs], axes[row.lead + row.inputs :]
    parts = {"": axes, "a": [*lead, *inputs, None], "b": [*lead, None, *outputs], "m": [*lead, *outputs]}
    return P(*parts[part])


def step_spec(row: Weight, layout: Layout, part: str = "") -> P:
    """Return how a weight lies while micro-batches are computed: as stored or, with `zero` 1, gathered over `fsdp` and
    `expert`."""
    stored = stored_spec(row, part)
    return P(*(None if axes in (SHARED, "fsdp") else axes for axes in stored)) if layout.zero == 1 else stored


def make_gather(mesh: Mesh, model: Model, layout: Layout) -> Callable[[Params], Params]:
    """Return what a step does to parameters before its micro-batches: with `zero` 1 it gathers all weights in
    compute_dtype."""

    def gather(path: tuple[Any, ...], leaf: jax.Array) -> jax.Array:
        located = locate(model, path)
        assert located is not None, path
        spec = step_spec(located.row, layout, located.part)
        if spec == stored_spec(located.row, located.part):
            return leaf
        if _part_of_quantized(path):
            return jax.lax.with_sharding_constraint(leaf, NamedSharding(mesh, _dividing(mesh, spec, leaf)))
        return jax.lax.with_sharding_constraint(leaf.astype(layout.compute_dtype), NamedSharding(mesh, spec))

    return lambda params: jax.tree_util.tree_map_with_path(gather, params) if layout.zero == 1 else params


def shardings(mesh: Mesh, model: Model, tree: Any) -> Any:
    """Return the sharding of every leaf of parameters, gradients, moments, or of a train state with all of them.

    Counters are replicated. Scales of quantized weights lie as these, but undivided where a block of weights would be
    cut.

    Raises:
        InputError: a mesh axis does not divide the dim that it splits.
        KeyError: a parameter has no row in the table of weights.
    """

    def sharding(path: tuple[Any, ...], leaf: Any) -> NamedSharding:
        located = locate(model, path)
        if located is None:
            return NamedSharding(mesh, P())
        spec = stored_spec(located.row, located.part)
        if _part_of_quantized(path, "scale"):
            return NamedSharding(mesh, _dividing(mesh, spec, leaf))
        for dim, axes in enumerate(spec):
            size, split = _size(mesh, axes)
            if leaf.shape[dim] % size:
                raise InputError(
                    f"mesh axis {' x '.join(split)} of size {size} does not divide dim {dim} of the parameter "
                    f"{located.path}, "
                    f"whose shape is {'x'.join(map(str, leaf.shape))}"
                )
        return NamedSharding(mesh, spec)

    return jax.tree_util.tree_map_with_path(sharding, tree)


def _part_of_quantized(path: tuple[Any, ...], part: str = "") -> bool:
    """Whether a path ends inside a quantized weight (`quantize_base`), in that part of it if one is named."""
    return isinstance(path[-1], jax.tree_util.GetAttrKey) and part in ("", path[-1].name)


def _size(mesh: Mesh, axes: Any) -> tuple[int, list[str]]:
    """Return the number of devices among which an entry of a partition spec splits a dim, and the mesh axes that do."""
    split = [axes] if isinstance(axes, str) else [axis for axis in axes or () if mesh.shape[axis] > 1]
    return math.prod(mesh.shape[axis] for axis in split), split


def _dividing(mesh: Mesh, spec: P, leaf: Any) -> P:
    """Return a partition spec without the axes that do not divide a dim of the leaf."""
    return P(*(None if leaf.shape[dim] % _size(mesh, axes)[0] else axes for dim, axes in enumerate(spec)))


def with_shardings(mesh: Mesh, model: Model, tree: Any) -> Any:
    """Return a tree of `jax.ShapeDtypeStruct` with the `shardings` of its leaves."""

    def placed(leaf: Any, sharding: NamedSharding) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)

    return jax.tree.map(placed, tree, shardings(mesh, model, tree))


def replicate(mesh: Mesh, tree: Any) -> Any:
    """Put numpy arrays that are equal in every process on all devices."""

    def put(value: Any) -> jax.Array:
        return jax.make_array_from_callback(value.shape, NamedSharding(mesh, P()), lambda index: value[index])

    return jax.tree.map(put, tree)


def activation_constraint(mesh: Mesh) -> Constrain:
    """Return the `constrain` argument of the model on a mesh."""

    def constrain(x: jax.Array, dims: str) -> jax.Array:
        return jax.lax.with_sharding_constraint(x, NamedSharding(mesh, ACTIVATIONS[dims]))

    return constrain


def row_parts(sizes: Mapping[str, int]) -> int:
    """Return the number of devices that split the rows of a micro-batch, on a mesh with these sizes of its axes."""
    return math.prod(sizes[axis] for axis in ROWS)


def check_batch(mesh: Mesh, layout: Layout, data: Data) -> None:
    """Raise InputError if the mesh does not divide a micro-batch's rows or, where activations are split along time, its
    length."""
    parts = row_parts(mesh.shape)
    rows = data.batch_rows // layout.accumulation
    if rows % layout.microbatches or rows // layout.microbatches % parts:
        micro = f" / layout.microbatches {layout.microbatches}" if layout.microbatches > 1 else ""
        raise InputError(
            f"a micro-batch of {rows / layout.microbatches:g} rows (data.batch_rows {data.batch_rows} / "
            "layout.accumulation "
            f"{layout.accumulation}{micro}) is not divided by the {parts} devices of {' x '.join(ROWS)}"
        )
    halves = 2 if layout.context > 1 else 1
    if data.sequence_length % (halves * layout.context * layout.tensor):
        split = f"{halves} x layout.context {layout.context} x " if layout.context > 1 else ""
        raise InputError(
            f"data.sequence_length {data.sequence_length} is not divided by {split}layout.tensor {layout.tensor}"
        )


def local_rows(mesh: Mesh, shape: Sequence[int]) -> list[int]:
    """Return the rows of a batch [accumulation, rows, T] on this process's devices, counted over accumulation x rows,
    ascending."""
    accumulation, rows, _ = shape
    parts: Any = NamedSharding(mesh, BATCH).addressable_devices_indices_map(tuple(shape)).values()
    held = {row for _, part, _ in parts for row in range(rows)[part]}
    return [step * rows + row for step in range(accumulation) for row in sorted(held)]


def place_batch(mesh: Mesh, batch: Any, rows: Sequence[int], shape: Sequence[int]) -> Any:
    """Return global arrays [accumulation, rows, T] from numpy arrays [len(rows), T] that hold this process's `rows` of
    them.

    Where `context` splits time, positions are in the order of `time_order`.
    """
    sharding = NamedSharding(mesh, BATCH)
    per_step = shape[1]
    order = {row % per_step: index for index, row in enumerate(rows[: len(rows) // shape[0]])}
    times = time_order(mesh.shape["context"], shape[2]) if mesh.shape["context"] > 1 else slice(None)

    def put(local: Any) -> jax.Array:
        steps = local.reshape(shape[0], -1, shape[2])[:, :, times]

        def part(index: Any) -> Any:
            held = [order[row] for row in range(per_step)[index[1]]]
            return steps[index[0], held[0] : held[-1] + 1, index[2]]

        return jax.make_array_from_callback(tuple(shape), sharding, part)

    return jax.tree.map(put, batch)
