"""Memory and time of a layout by arithmetic, in less than a millisecond: enough to choose what to compile."""

import dataclasses
import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import jax
import numpy as np
from jax.sharding import AbstractMesh

from tanuki_jax.config.experiment import Activation, Experiment, Layout
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.quantized_base import is_quantized
from tanuki_jax.lm.parallel.mesh import AXES
from tanuki_jax.lm.parallel.pipeline import bubble
from tanuki_jax.lm.parallel.sharding import ROWS, SHARED, shardings
from tanuki_jax.planning.plan.memory import array_bytes
from tanuki_jax.planning.plan.plan_results import Traffic
from tanuki_jax.planning.plan.predict import terms
from tanuki_jax.planning.plan.target import Target
from tanuki_jax.planning.plan.work import Work, issued, with_idle
from tanuki_jax.training.setup import state_shapes

ACTIVATIONS = set(get_args(Activation))
KEPT_BY: dict[str, set[str]] = {
    "full": {"input"},
    "attention": {"input", "attention"},
    "dots": ACTIVATIONS,
    "none": ACTIVATIONS | {"normal", "product"},
}
"""Activations of a layer that each policy keeps; `normal` and `product` are intermediates of norms and SwiGLU."""

# Reads and writes of arrays in memory outside products, fitted to plans of 13 layouts of the 8B on three nodes of H100.
VISITS = 7
"""Reads and writes of each named activation, forward and backward."""
VISITS_OF_KEPT = 3.5
"""Additional reads and writes of each kept activation."""
VISITS_OF_GRADIENTS = 9
"""Reads and writes of the summed gradients, in each micro-batch."""
VISITS_OF_GATHERED = 2
"""Reads and writes of gathered weights, in each micro-batch."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class State:
    """Bytes on a device that do not depend on the micro-batches."""

    parameters: int
    """Trained parameters."""
    optimizer: int
    gradients: int
    """Sums over micro-batches, in float32."""
    gathered: int
    """All weights as products use them, not split over `fsdp`: quantized, or in compute_dtype."""
    scattered: int
    """Gradients of trained parameters in compute_dtype, not split over `fsdp`."""
    frozen: int = 0
    """Weights that are not trained."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """Memory and time of a step."""

    bytes: int
    """Lower bound of a device's memory: state, gradients and kept activations."""
    seconds: float


def size_over(layout: Layout, axes: Sequence[str]) -> int:
    """Return the number of devices along some mesh axes together."""
    return math.prod(getattr(layout, axis) for axis in axes)


def state_bytes(experiment: Experiment) -> State:
    """Return the exact state of a device by the sharding rules. InputError if the mesh does not divide a parameter."""
    layout = experiment.layout
    shapes = state_shapes(dataclasses.replace(experiment, layout=Layout(parameter_dtype=layout.parameter_dtype)))
    frozen, trained, undivided = shapes.get("frozen", {}), shapes["parameters"], dataclasses.replace(layout, fsdp=1)
    held = functools.partial(_held, experiment.model)
    elements, parameters = held(trained, layout)
    scattered = held(trained, undivided)[0] * _item(layout)
    return State(
        parameters=parameters,
        optimizer=held(shapes["optimizer"], layout)[1],
        gradients=4 * elements,
        gathered=scattered + held(_in_products(frozen, layout), undivided)[1],
        scattered=scattered,
        frozen=held(frozen, layout)[1],
    )


def _in_products(frozen: Any, layout: Layout) -> Any:
    """Return the shapes of frozen weights as they are gathered: quantized, or in compute_dtype."""

    def gathered(weight: Any) -> Any:
        return weight if is_quantized(weight) else jax.ShapeDtypeStruct(weight.shape, layout.compute_dtype)

    return jax.tree.map(gathered, frozen, is_leaf=is_quantized)


def _held(model: Model, tree: Any, layout: Layout) -> tuple[int, int]:
    """Return elements and bytes of a tree's arrays on one device."""
    mesh: Any = AbstractMesh(tuple(getattr(layout, axis) for axis in AXES), AXES)
    leaves = jax.tree.leaves(tree)
    parts = [
        placed.shard_shape(leaf.shape)
        for placed, leaf in zip(jax.tree.leaves(shardings(mesh, model, tree)), leaves, strict=True)
    ]
    return sum(map(math.prod, parts)), sum(
        array_bytes(part, leaf.dtype) for part, leaf in zip(parts, leaves, strict=True)
    )


def estimate(experiment: Experiment, target: Target, state: State) -> Estimate:
    """Estimate memory and time of a step: the roofline of `terms`, with approximate memory traffic and exchanges."""
    work, moved, traffic = (
        _work(experiment),
        _moved(experiment, target, state),
        list(exchanges(experiment, target, state)),
    )
    parts = terms(target.hardware, target.count, work, bubble(experiment.layout), moved, 0, traffic)
    return Estimate(bytes=_bytes(experiment, state), seconds=math.fsum(term.shown for term in parts))


def _work(experiment: Experiment) -> Work:
    layout = experiment.layout
    alone = Layout(remat=layout.remat, save=layout.save, offload=layout.offload)
    return with_idle(_issued(dataclasses.replace(experiment, layout=alone)), layout)


@functools.cache
def _issued(experiment: Experiment) -> Work:
    return issued(experiment, "auto")


def _item(layout: Layout) -> int:
    return np.dtype(layout.compute_dtype).itemsize


def _tokens(experiment: Experiment) -> float:
    """Return the tokens of a micro-batch on each device, as activations between layers are split."""
    data, layout = experiment.data, experiment.layout
    parts = layout.accumulation * layout.microbatches * size_over(layout, (*ROWS, "context", "tensor"))
    return data.batch_rows * data.sequence_length / parts


def _sizes(model: Model) -> dict[str, int]:
    """Return elements per token of a layer's activations; approximate for `normal` and `product`, partly in float32."""
    heads, inner = model.heads * model.head_dim, model.hidden * (model.experts_per_token if model.experts else 1)
    return {
        "input": model.width,
        "qkv": (model.heads + 2 * model.kv_heads) * model.head_dim,
        "attention": heads,
        "middle": model.width,
        "hidden": 2 * inner,
        "normal": 8 * model.width,
        "product": 6 * inner,
    }


def _kept(experiment: Experiment) -> int:
    """Return elements per token of a layer's activations that are kept on the device."""
    layout, sizes = experiment.layout, _sizes(experiment.model)
    return sum(sizes[name] for name in (KEPT_BY[layout.remat] | set(layout.save)) - set(layout.offload))


def _turns(layout: Layout) -> float:
    """Return how often a step uses each layer's weights and adds its gradients, idle rounds of a pipeline included."""
    return layout.accumulation * (layout.microbatches + (layout.stage - 1) / layout.interleave)


def _bytes(experiment: Experiment, state: State) -> int:
    layout = experiment.layout
    layers = experiment.model.layers / layout.stage * _turns(layout) / layout.accumulation
    kept = round(_kept(experiment) * _tokens(experiment) * layers * _item(layout))
    gathered = state.gathered if layout.zero == 1 else 0
    # Without accumulation, gradients are created while activations are freed, so only the larger of the two counts.
    both = state.gradients + kept if layout.accumulation > 1 else max(state.gradients, kept)
    return state.frozen + state.parameters + state.optimizer + gathered + both


def _moved(experiment: Experiment, target: Target, state: State) -> int:
    """Return bytes read and written on a device outside products: activations, weights, gradients, optimizer."""
    model, layout, data = experiment.model, experiment.layout, experiment.data
    tokens = data.batch_rows * data.sequence_length / target.count / (1 - bubble(layout))
    sizes = _sizes(model)
    visited = VISITS * sum(sizes[name] for name in KEPT_BY["dots"]) + VISITS_OF_KEPT * _kept(experiment)
    again = _turns(layout) * (VISITS_OF_GRADIENTS * state.gradients + VISITS_OF_GATHERED * state.gathered)
    return round(tokens * model.layers * visited * _item(layout) + again + 2 * (state.parameters + state.optimizer))


def exchanges(experiment: Experiment, target: Target, state: State) -> Iterator[Traffic]:
    """Yield the collectives of a step, all calls over the same axes as one."""
    model, layout, item, tokens = experiment.model, experiment.layout, _item(experiment.layout), _tokens(experiment)
    turns, micro, layers = _turns(layout), layout.accumulation * layout.microbatches, model.layers / layout.stage
    row, undivided = model.width * item, tokens * layout.tensor

    def ring(axes: Sequence[str], count: float, size: float) -> Traffic:
        members = size_over(layout, axes)
        return _sent(layout, target, axes, count, size * (members - 1) / members)

    gathers = 1 if layout.zero == 1 else turns * (3 if experiment.objective.computes_reference else 2)
    exchanged = gathers * state.gathered + turns * state.scattered
    yield ring(SHARED, layers * (gathers + turns), exchanged / (gathers + turns) / layers)
    yield ring(("data", "context"), layers * 2 * turns, state.gradients / 4 * item / layers)
    # Tensor parallelism gathers and scatters twice forward and twice backward; recomputation repeats some of it.
    yield ring(("tensor",), micro * layers * (8 if layout.remat == "none" else 11), undivided * row)
    keys = 2 * model.kv_heads * model.head_dim * item / layout.tensor
    yield ring(("context",), micro * layers * 3, undivided * layout.context * keys)
    yield ring(("expert",), micro * layers * 5, undivided * model.experts_per_token * row)
    # A pipeline sends its moving, waiting and finished micro-batches forward and backward, and layers to their stages.
    yield _sent(layout, target, ("stage",), 6 * turns * layout.interleave, tokens * row)
    yield _sent(layout, target, ("stage",), layout.accumulation, state.gradients * (1 - 1 / layout.interleave))


def _sent(layout: Layout, target: Target, axes: Sequence[str], count: float, size: float) -> Traffic:
    """Return `count` collectives of `size` bytes; all devices of a group in one node share its network links."""
    together = math.prod(_in_node(layout, axis, target.per_node) for axis in axes)
    members, hardware = size_over(layout, axes), target.hardware
    leaves = together < members
    inside = hardware.link(between_nodes=False)
    rate = min(inside, hardware.link(between_nodes=True) * together) if leaves else inside
    latency = hardware.network_latency if leaves else hardware.node_latency
    return Traffic(
        kind="all-gather",
        axes=tuple(axis for axis in axes if getattr(layout, axis) > 1),
        between_nodes=leaves,
        count=round(count),
        sent_bytes=round(count * size),
        seconds=count * (size / rate + latency) if members > 1 else 0.0,
    )


def _in_node(layout: Layout, axis: str, per_node: int) -> int:
    """Return how many devices of a group along an axis are in one node; 1 if nodes divide the group unevenly."""
    size, stride = getattr(layout, axis), size_over(layout, AXES[AXES.index(axis) + 1 :])
    if per_node % (size * stride) == 0:
        return size
    fit = max(1, per_node // stride)
    return fit if per_node % stride == 0 and size % fit == 0 else 1
