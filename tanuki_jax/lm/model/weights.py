"""The table of weights: one row for each parameter of a model.

Initialisation, sharding, weight decay, adapters, quantization, chunks on disk, conversion and the count of parameters
read these rows. A new weight is a new row. A parameter without a row, or a row that a reader cannot use, is an error
that names it.

Parameters are a nested dictionary whose dotted paths are the keys of the table: `embedding`, `blocks.q`, `norm`,
`output`. Parameters of a group of layers have a leading dim L. A model of several groups has them under `blocks.0`,
`blocks.1` and so on.
"""

import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax

from tanuki_jax.config.model import LayerGroup, Model

type Params = dict[str, Any]
"""Nested dictionary of arrays; the dotted path of each is a key of `weights`. Adapters of weights are in a subtree of
their own."""

ADAPTERS = "adapters"
"""Key of that subtree. An adapter's arrays have the path of the weight that they adapt, and one of `ADAPTER_PARTS`."""

ADAPTER_PARTS = ("a", "b", "m")
"""Arrays of an adapter: A [*lead, *inputs, r], B [*lead, r, *outputs] and the magnitude of DoRA [*lead, *outputs]."""


_NO_PARAMETERS = {"accepted", "guard", "rate_factor", "optimizer", "moments"}
"""Subtrees of a train state, or of a checkpoint's item, that may also hold counters and statistics."""


@dataclass(frozen=True, kw_only=True)
class Weight:
    """One parameter."""

    dims: str
    """Logical names of its dims, as in "l d h k": l layers, e experts, d model width, h query heads, g key and value
    heads, k head dim, f hidden units, v vocabulary. Leading l and e count matrices; inputs follow, then outputs."""
    shape: tuple[int, ...]
    """Sizes of the dims."""
    inputs: int = 0
    """Number of dims that a product with activations contracts, or that a lookup chooses from; 0: neither."""
    lookup: bool = False
    """Whether tokens choose among its inputs, in place of a product."""
    init: Literal["normal", "residual", "ones"] = "normal"
    """Initial values: normal with `initial_std`, the same divided by sqrt(2 L) (Radford et al. 2019), or ones."""
    seed: int = 0
    """Number folded into the random key of its initial values and of dropout. It never changes, or an old seed gives
    another model."""
    decay: bool = True
    """Whether weight decay applies."""
    adapter: bool = False
    """Whether LoRA may adapt it."""
    replicated: bool = False
    """Whether each device of a pipeline stage holds all of it; else mesh axes split its dims by name."""

    @property
    def lead(self) -> int:
        """Number of dims before those of one matrix: its layers, and its experts."""
        names = self.dims.split()
        return next((index for index, name in enumerate(names) if name not in ("l", "e")), len(names))

    @property
    def layer_projection(self) -> bool:
        """Whether it is a projection of the layers: a frozen base may keep it quantized, Muon orthogonalises it."""
        return self.adapter and self.lead > 0

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Sizes of the input dims."""
        return self.shape[self.lead : self.lead + self.inputs]

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Sizes of the output dims; of a weight without inputs, all dims of one matrix."""
        return self.shape[self.lead + self.inputs :]

    def part_shape(self, part: str, rank: int) -> tuple[int, ...]:
        """Return the shape of a part of its adapter: `a`, `b` or `m`."""
        lead = self.shape[: self.lead]
        return {
            "a": (*lead, *self.input_shape, rank),
            "b": (*lead, rank, *self.output_shape),
            "m": (*lead, *self.output_shape),
        }[part]


@functools.cache
def weights(model: Model) -> Mapping[str, Weight]:
    """Return the rows of a model by dotted path, in the order of the forward pass."""
    sizes = {
        "v": model.vocabulary,
        "d": model.width,
        "h": model.heads,
        "g": model.kv_heads,
        "k": model.head_dim,
        "f": model.hidden,
    }

    def row(dims: str, layers: int = 0, **known: Any) -> Weight:
        named = {**sizes, "l": layers, "e": model.experts}
        return Weight(dims=dims, shape=tuple(named[dim] for dim in dims.split()), **known)

    untied = not model.tied
    rows = {"embedding": row("v d", inputs=1, lookup=True, adapter=untied)}
    for group in model.groups:
        layer = functools.partial(row, layers=group.layers)
        norm: dict[str, Any] = {"init": "ones", "decay": False, "replicated": True}
        rows |= {
            group.path(name): weight
            for name, weight in {
                "attention_norm": layer("l d", **norm),
                "q": layer("l d h k", inputs=1, seed=0, adapter=True),
                "k": layer("l d g k", inputs=1, seed=1, adapter=True),
                "v": layer("l d g k", inputs=1, seed=2, adapter=True),
                **({"q_norm": layer("l k", **norm), "k_norm": layer("l k", **norm)} if model.qk_norm else {}),
                "o": layer("l h k d", inputs=2, init="residual", seed=3, adapter=True),
                "mlp_norm": layer("l d", **norm),
                **_mlp(group, layer),
            }.items()
        }
    rows["norm"] = row("d", init="ones", decay=False, replicated=True)
    if untied:
        rows["output"] = row("d v", inputs=1, adapter=True)
    return rows


def _mlp(group: LayerGroup, layer: Any) -> dict[str, Weight]:
    if not group.experts:
        return {
            "gate": layer("l d f", inputs=1, seed=4, adapter=True),
            "up": layer("l d f", inputs=1, seed=5, adapter=True),
            "down": layer("l f d", inputs=1, init="residual", seed=6, adapter=True),
        }
    return {
        "router": layer("l d e", inputs=1, seed=7, replicated=True),
        "expert_gate": layer("l e d f", inputs=1, seed=4, adapter=True),
        "expert_up": layer("l e d f", inputs=1, seed=5, adapter=True),
        "expert_down": layer("l e f d", inputs=1, init="residual", seed=6, adapter=True),
    }


def projections(model: Model, names: tuple[str, ...]) -> dict[str, Weight]:
    """Return the rows of a model whose last name is one of those and which an adapter may adapt, by path, in the order
    of `names`."""
    rows = weights(model)
    return {
        path: row for name in names for path, row in rows.items() if path.rpartition(".")[2] == name and row.adapter
    }


class Located(NamedTuple):
    """A leaf of a tree of parameters, gradients or moments, and its row."""

    path: str
    """Dotted path of the weight."""
    row: Weight
    part: str
    """Part of an adapter; empty: the weight itself."""


def locate(model: Model, path: tuple[Any, ...]) -> Located | None:
    """Return what a leaf is by its path in a tree; None for counters and other leaves that are no parameters.

    Parameters may stand at any depth, as in a train state or in the optimizer's moments.

    Raises:
        KeyError: a name that must be a parameter's has no row in the table; the message names it.
    """
    names = tuple(str(entry.key) for entry in path if isinstance(entry, jax.tree_util.DictKey))
    return _located(model, names)


@functools.cache
def _located(model: Model, names: tuple[str, ...]) -> Located | None:
    rows = weights(model)
    for start in range(len(names)):
        dotted = ".".join(names[start:])
        if dotted in rows:
            return Located(dotted, rows[dotted], "")
        base, _, part = dotted.rpartition(".")
        if base in rows and part in ADAPTER_PARTS:
            return Located(base, rows[base], part)
    roots = {path.partition(".")[0] for path in rows}
    if (names and names[0] not in _NO_PARAMETERS) or roots & set(names):
        raise KeyError(f"the parameter {'.'.join(names)} has no row in the table of weights (lm/model/weights.py)")
    return None


def lead_dims(model: Model, path: tuple[Any, ...]) -> int:
    """Return the number of dims of a leaf before those of one matrix, by its path in a tree; 0 for leaves that are no
    parameters."""
    located = locate(model, path)
    return located.row.lead if located else 0


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted path and leaf of a nested dictionary."""
    for name, value in tree.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from flatten(value, f"{path}.")
        else:
            yield path, value


def nest(flat: Mapping[str, Any]) -> Params:
    """Return the nested dictionary of dotted paths."""
    tree: Params = {}
    for path, value in flat.items():
        *parents, name = path.split(".")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[name] = value
    return tree


def shapes(model: Model, dtype: str = "float32") -> Params:
    """Return the parameters of a model as a tree of `jax.ShapeDtypeStruct`; nothing is allocated."""
    return nest({path: jax.ShapeDtypeStruct(row.shape, jax.numpy.dtype(dtype)) for path, row in weights(model).items()})


def count_parameters(model: Model) -> int:
    """Return the number of parameters."""
    return sum(math.prod(row.shape) for row in weights(model).values())


def count_active_parameters(model: Model) -> int:
    """Return the number of parameters that one token uses: of the experts of a layer, only those that it is sent to."""

    def active(row: Weight) -> int:
        idle = row.lead == 2  # its second lead dim counts experts
        return math.prod(row.shape) * model.experts_per_token // model.experts if idle else math.prod(row.shape)

    return sum(map(active, weights(model).values()))
