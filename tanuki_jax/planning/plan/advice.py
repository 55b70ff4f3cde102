"""Advice on a layout: changes that make a step fit a device's memory, or use the memory that is left."""

import math
from collections.abc import Iterator

import numpy as np

from tanuki_jax.config.experiment import Experiment
from tanuki_jax.lm.parallel.sharding import row_parts
from tanuki_jax.planning.plan.lowered_step import rows_of_device
from tanuki_jax.planning.plan.plan_results import GIB, Memory
from tanuki_jax.planning.plan.target import Target

WORTH_USING = 0.25
"""Share of free memory from which on a lighter layout is suggested."""


def advice(experiment: Experiment, sizes: dict[str, int], memory: Memory, target: Target) -> tuple[str, ...]:
    """Return sentences with the options to change, those that free most memory first.

    Args:
        experiment: the planned experiment.
        sizes: sizes of the mesh axes.
        memory: memory of the planned step.
        target: the devices.
    """
    if memory.fits:
        return tuple(_use_free_memory(experiment, memory))
    changes = sorted(
        [*_keep_less(experiment, sizes, memory), *_share_more(experiment, sizes, memory, target)],
        key=lambda change: -change[0],
    )
    sentences = [
        f"{options} frees about {freed / GIB:.1f} GiB{'' if freed < -memory.free else ', enough alone'}"
        for freed, options in changes
        if freed > 0
    ]
    return (*sentences, *_need_more_devices(memory, target))


def _use_free_memory(experiment: Experiment, memory: Memory) -> Iterator[str]:
    layout = experiment.layout
    if memory.free > WORTH_USING * memory.capacity and (layout.remat != "none" or layout.accumulation > 1):
        free = f"{memory.free / GIB:.0f} GiB are free"
        yield f"{free}: a lighter --layout.remat or fewer micro-batches may be faster; --search tries both"


def _keep_less(experiment: Experiment, sizes: dict[str, int], memory: Memory) -> Iterator[tuple[float, str]]:
    """Yield changes that keep fewer activations: bytes that each frees, and its options."""
    layout, data = experiment.layout, experiment.data
    rows = rows_of_device(experiment, row_parts(sizes))
    inputs = _inputs(experiment, sizes, rows)
    if layout.remat != "full" or layout.save:
        yield memory.activations - inputs, "--layout.remat full" + (" with an empty layout.save" if layout.save else "")
    elif "input" not in layout.offload:
        yield 0.9 * memory.activations, "--layout.offload input (to the host's memory)"
    if factor := next((factor for factor in range(2, rows + 1) if rows % factor == 0), 0):
        option = f"--layout.accumulation {layout.accumulation * factor}"
        effect = f"micro-batches of {rows // factor} rows per device instead of {rows}"
        yield memory.activations * (1 - 1 / factor), f"{option} ({effect})"
    if rows == 1 and data.sequence_length > 2048 and sizes["context"] == 1:
        yield memory.activations / 2, f"--layout.context {2 * sizes['context']} (half of each row)"


def _inputs(experiment: Experiment, sizes: dict[str, int], rows: int) -> float:
    """Return the bytes of the layers' inputs, which are all that remat full keeps."""
    layout, model = experiment.layout, experiment.model
    rounds = layout.microbatches * layout.interleave + layout.stage - 1 if layout.stage > 1 else 1
    layers = model.layers / (layout.stage * layout.interleave) * rounds
    tokens = rows * experiment.data.sequence_length / (sizes["context"] * sizes["tensor"])
    return layers * tokens * model.width * np.dtype(layout.compute_dtype).itemsize


def _share_more(
    experiment: Experiment, sizes: dict[str, int], memory: Memory, target: Target
) -> Iterator[tuple[float, str]]:
    """Yield changes that share the state among more devices: bytes that each frees, and its options."""
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
            options = f"--layout.fsdp {shared} --layout.data {sizes['data'] // factor}"
            yield state * (1 - 1 / factor), options
            break
    if (
        2 * sizes["tensor"] <= target.per_node
        and sizes["data"] % 2 == 0
        and experiment.model.kv_heads % (2 * sizes["tensor"]) == 0
    ):
        yield state / 2, f"--layout.tensor {2 * sizes['tensor']} --layout.data {sizes['data'] // 2}"


def _need_more_devices(memory: Memory, target: Target) -> Iterator[str]:
    state = memory.state
    if state + memory.margin > memory.capacity:
        fewest = math.ceil(state * target.count / (memory.capacity - memory.margin))
        need = f"shared by all devices, they need at least {fewest} of them"
        yield f"parameters and optimizer alone exceed a device; {need}"
