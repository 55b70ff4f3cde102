"""What to change in a layout whose step does not fit a device's memory, about how much each change frees, and what room there is."""

import math
from collections.abc import Iterator

import numpy as np

from tanuki_jax.config.experiment import Experiment
from tanuki_jax.lm.parallel.sharding import row_parts
from tanuki_jax.planning.plan.lowered_step import rows_of_device
from tanuki_jax.planning.plan.plan_results import GIB, Memory
from tanuki_jax.planning.plan.target import Target

ROOM = 0.25
"""Share of the memory that is worth using when it is free."""


def advice(experiment: Experiment, sizes: dict[str, int], memory: Memory, target: Target) -> tuple[str, ...]:
    """Sentences, those first that free the most.

    Args:
        experiment: whose step was planned.
        sizes: of the mesh axes, as they were resolved.
        memory: of the step.
        target: what it is to fit.
    """
    if memory.fits:
        return tuple(_room(experiment, memory))
    found = sorted(
        [*_less_kept(experiment, sizes, memory), *_more_shared(experiment, sizes, memory, target)],
        key=lambda change: -change[0],
    )
    said = [
        f"{what} frees about {freed / GIB:.1f} GiB{'' if freed < -memory.free else ', enough alone'}"
        for freed, what in found
        if freed > 0
    ]
    return (*said, *_what_is_left(memory, target))


def _room(experiment: Experiment, memory: Memory) -> Iterator[str]:
    layout = experiment.layout
    if memory.free > ROOM * memory.capacity and (layout.remat != "none" or layout.accumulation > 1):
        yield f"{memory.free / GIB:.0f} GiB are free: a lighter --layout.remat or fewer micro-batches may be faster; --search tries both"


def _less_kept(experiment: Experiment, sizes: dict[str, int], memory: Memory) -> Iterator[tuple[float, str]]:
    """Bytes freed by what keeps fewer activations, and how to ask for it."""
    layout, data = experiment.layout, experiment.data
    rows = rows_of_device(experiment, row_parts(sizes))
    inputs = _inputs(experiment, sizes, rows)
    if layout.remat != "full" or layout.save:
        yield memory.activations - inputs, "--layout.remat full" + (" with an empty layout.save" if layout.save else "")
    elif "input" not in layout.offload:
        yield 0.9 * memory.activations, "--layout.offload input (to the host's memory)"
    if factor := next((factor for factor in range(2, rows + 1) if rows % factor == 0), 0):
        word = f"--layout.accumulation {layout.accumulation * factor} (micro-batches of {rows // factor} rows a device instead of {rows})"
        yield memory.activations * (1 - 1 / factor), word
    if rows == 1 and data.sequence_length > 2048 and sizes["context"] == 1:
        yield memory.activations / 2, f"--layout.context {2 * sizes['context']} (half of each row)"


def _inputs(experiment: Experiment, sizes: dict[str, int], rows: int) -> float:
    """Bytes of the layers' inputs, all that remat full keeps."""
    layout, model = experiment.layout, experiment.model
    rounds = layout.microbatches * layout.interleave + layout.stage - 1 if layout.stage > 1 else 1
    layers = model.layers / (layout.stage * layout.interleave) * rounds
    tokens = rows * experiment.data.sequence_length / (sizes["context"] * sizes["tensor"])
    return layers * tokens * model.width * np.dtype(layout.compute_dtype).itemsize


def _more_shared(
    experiment: Experiment, sizes: dict[str, int], memory: Memory, target: Target
) -> Iterator[tuple[float, str]]:
    """Bytes of the state freed by what shares it among more devices, and how to ask for it."""
    layout, lora, state = experiment.layout, experiment.lora, memory.state
    if layout.zero == 1:
        item = np.dtype(layout.compute_dtype).itemsize
        frozen = memory.frozen * (1 if lora.quantized else item / np.dtype(lora.base).itemsize)
        yield (
            (memory.parameters * item / np.dtype(layout.parameter_dtype).itemsize + frozen) * sizes["fsdp"],
            "--layout.zero 3",
        )
    for factor in (factor for factor in range(2, sizes["data"] + 1) if sizes["data"] % factor == 0):
        shared = sizes["fsdp"] * factor
        if experiment.model.width % (shared * sizes["expert"]) == 0:
            words = f"--layout.fsdp {shared} --layout.data {sizes['data'] // factor}"
            yield state * (1 - 1 / factor), words
            break
    if (
        2 * sizes["tensor"] <= target.per_node
        and sizes["data"] % 2 == 0
        and experiment.model.kv_heads % (2 * sizes["tensor"]) == 0
    ):
        yield state / 2, f"--layout.tensor {2 * sizes['tensor']} --layout.data {sizes['data'] // 2}"


def _what_is_left(memory: Memory, target: Target) -> Iterator[str]:
    state = memory.state
    if state + memory.margin > memory.capacity:
        fewest = math.ceil(state * target.count / (memory.capacity - memory.margin))
        yield (
            f"parameters and optimizer alone are more than a device has: shared by all, they need {fewest} devices of this kind, or more"
        )
