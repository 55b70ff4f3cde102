"""One table of sharding rules: which mesh axes split which dims of parameters and activations."""

import math
from collections.abc import Sequence
from typing import Any

import jax
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from tanuki_jax.errors import InputError
from tanuki_jax.model.llama import Constrain

ROWS = ("data", "fsdp", "expert")
"""Mesh axes that split the rows of a batch."""

SHARED = ("fsdp", "expert")
"""Mesh axes that share the parameters outside experts."""

PARAMETERS = {
    "embedding": P("tensor", SHARED),
    "output": P(SHARED, "tensor"),
    "norm": P(),
    "attention_norm": P(),
    "mlp_norm": P(),
    "q": P(None, SHARED, "tensor", None),
    "k": P(None, SHARED, "tensor", None),
    "v": P(None, SHARED, "tensor", None),
    "o": P(None, "tensor", None, SHARED),
    "gate": P(None, SHARED, "tensor"),
    "up": P(None, SHARED, "tensor"),
    "down": P(None, "tensor", SHARED),
    "router": P(),
    "expert_gate": P(None, "expert", "fsdp", "tensor"),
    "expert_up": P(None, "expert", "fsdp", "tensor"),
    "expert_down": P(None, "expert", "tensor", "fsdp"),
}
"""By the last key of the path; the first dim of everything in `blocks` is its layer."""

ACTIVATIONS = {
    "btd": P(ROWS, ("context", "tensor"), None),
    "bthk": P(ROWS, "context", "tensor", None),
    "btf": P(ROWS, "context", "tensor"),
    "states": P(ROWS, "context", None),
}
"""By the names of the axes. Between layers the time dim is split over `tensor` too (sequence parallelism, Korthikanti et al. 2022)."""

BATCH = P(None, ROWS, "context")
"""Of a batch [accumulation, rows, T]."""


def shardings(mesh: Mesh, tree: Any) -> Any:
    """The sharding of every leaf of a tree whose paths end in parameter names: parameters, gradients, Adam's moments.

    Leaves without a rule, such as counters, are replicated. InputError if a mesh axis does not divide the dim that it splits.
    """

    def place(path: tuple[Any, ...], leaf: Any) -> NamedSharding:
        name = next((key for entry in reversed(path) if (key := str(getattr(entry, "key", ""))) in PARAMETERS), None)
        spec = PARAMETERS[name] if name is not None and leaf.ndim else P()
        for dim, axes in enumerate(spec):
            split = [axes] if isinstance(axes, str) else [axis for axis in axes or () if mesh.shape[axis] > 1]
            size = math.prod(mesh.shape[axis] for axis in split)
            if leaf.shape[dim] % size:
                raise InputError(
                    f"mesh axis {' x '.join(split)} of size {size} does not divide dim {dim} of parameter {name}, "
                    f"whose shape is {'x'.join(map(str, leaf.shape))}"
                )
        return NamedSharding(mesh, spec)

    return jax.tree_util.tree_map_with_path(place, tree)


def activation_constraint(mesh: Mesh) -> Constrain:
    """The `constrain` argument of the model on this mesh."""

    def constrain(x: jax.Array, axes: str) -> jax.Array:
        return jax.lax.with_sharding_constraint(x, NamedSharding(mesh, ACTIVATIONS[axes]))

    return constrain


def check_batch(mesh: Mesh, batch_rows: int, accumulation: int, sequence_length: int) -> None:
    """InputError if the mesh does not divide a micro-batch's rows or, where activations are split along time, its length."""
    rows, parts = batch_rows // accumulation, math.prod(mesh.shape[axis] for axis in ROWS)
    if rows % parts:
        raise InputError(
            f"a micro-batch of {rows} rows (data.batch_rows {batch_rows} / layout.accumulation {accumulation}) "
            f"is not divided by the {parts} devices of {' x '.join(ROWS)}"
        )
    if sequence_length % (mesh.shape["context"] * mesh.shape["tensor"]):
        raise InputError(f"data.sequence_length {sequence_length} is not divided by layout.tensor {mesh.shape['tensor']}")


def local_rows(mesh: Mesh, shape: Sequence[int]) -> list[int]:
    """Which rows of a batch [accumulation, rows, T] this process's devices hold, counted over accumulation x rows, ascending."""
    accumulation, rows, _ = shape
    parts: Any = NamedSharding(mesh, BATCH).addressable_devices_indices_map(tuple(shape)).values()
    held = {row for _, part, _ in parts for row in range(rows)[part]}
    return [step * rows + row for step in range(accumulation) for row in sorted(held)]


def place_batch(mesh: Mesh, batch: Any, rows: Sequence[int], shape: Sequence[int]) -> Any:
    """Global arrays [accumulation, rows, T] from numpy arrays [len(rows), T] that hold this process's `rows` of them."""
    sharding = NamedSharding(mesh, BATCH)
    per_step = shape[1]
    order = {row % per_step: place for place, row in enumerate(rows[: len(rows) // shape[0]])}

    def place(local: Any) -> jax.Array:
        steps = local.reshape(shape[0], -1, shape[2])

        def part(index: Any) -> Any:
            held = [order[row] for row in range(per_step)[index[1]]]
            return steps[index[0], held[0] : held[-1] + 1, index[2]]

        return jax.make_array_from_callback(tuple(shape), sharding, part)

    return jax.tree.map(place, batch)
