"""Plan of an experiment: its training step is compiled for a target; memory, collectives and time are read from it."""

import contextlib
import os
import re
import time
from collections.abc import Iterator
from typing import Any

import jax
from jax.sharding import Mesh

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.validate import validate
from tanuki_jax.lm.kernels.attention.attention import PLAIN, Backend, choose
from tanuki_jax.lm.objectives.make_objective import make_objective
from tanuki_jax.lm.parallel.mesh import AXES, make_mesh
from tanuki_jax.lm.parallel.pipeline import bubble
from tanuki_jax.lm.parallel.sharding import row_parts
from tanuki_jax.planning.plan import hlo
from tanuki_jax.planning.plan.advice import advice
from tanuki_jax.planning.plan.collectives import collectives, traffic
from tanuki_jax.planning.plan.lowered_step import compiled_anew, lower_step, rows_of_device
from tanuki_jax.planning.plan.memory import split
from tanuki_jax.planning.plan.memory_traffic import host_bytes, kept_bytes, moved_bytes
from tanuki_jax.planning.plan.plan_results import Plan
from tanuki_jax.planning.plan.predict import terms
from tanuki_jax.planning.plan.target import Target, parse
from tanuki_jax.planning.plan.work import issued, model_flops


def make_plan(experiment: Experiment, target: Target) -> Plan:
    """Plan a step of the experiment on the target. Nothing is allocated, and no accelerator is needed.

    InputError if the layout does not divide the target's devices, the model or the batch. A step that exceeds the
    memory has a plan, which says so.
    """
    validate(experiment)
    start = time.perf_counter()
    devices = target.devices()
    mesh = make_mesh(experiment.layout, devices)
    with compiled_anew() if target.hardware.kind != "cpu" else contextlib.nullcontext():
        lowered = lower_step(experiment, devices)
        compiled = compile_for(lowered, experiment, target)
    compile_seconds = time.perf_counter() - start
    program = hlo.parse(compiled.as_text() or "")
    backend, idle = _attention(experiment, mesh), bubble(experiment.layout)
    work, sent = issued(experiment, backend), traffic(collectives(program), mesh, devices, target)
    memory = split(compiled, _state(lowered, compiled), kept_bytes(program), target.hardware)
    parts = terms(target.hardware, target.count, work, idle, moved_bytes(program), host_bytes(program), sent)
    sizes = {axis: int(mesh.shape[axis]) for axis in AXES}
    return Plan(
        experiment=experiment.name,
        target=target.name,
        devices=target.count,
        kind=target.hardware.kind,
        layout=_describe(experiment, sizes),
        memory=memory,
        model_flops=model_flops(experiment),
        issued_flops=work.total,
        traffic=sent,
        terms=parts,
        seconds=sum(term.shown for term in parts),
        bubble=idle,
        tokens=experiment.data.batch_rows * experiment.data.sequence_length,
        steps=experiment.steps,
        peak_flops=target.hardware.peak_flops,
        compile_seconds=compile_seconds,
        advice=advice(experiment, sizes, memory, target),
        notes=tuple(_notes(experiment, backend, target)),
    )


def plan_for(experiment: Experiment, target: str) -> Plan:
    """Call `make_plan` for the text of a target, in a process that may not have used jax yet."""
    parsed = parse(target)
    prepare(parsed)
    return make_plan(experiment, parsed)


def prepare(target: Target) -> None:
    """Configure jax, before its first use, for CPUs only, with as many CPU devices as a CPU target has."""
    os.environ["JAX_PLATFORMS"] = "cpu"
    jax.config.update("jax_platforms", "cpu")
    if target.hardware.kind == "cpu":
        flag = f"--xla_force_host_platform_device_count={target.count}"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flag}".strip()


def compile_for(lowered: jax.stages.Lowered, experiment: Experiment, target: Target) -> jax.stages.Compiled:
    """Compile a step. InputError if the compiler refuses it; the TPU compiler refuses a step that does not fit.

    Autotuning of GPU products is off where jax allows it (0.12 or later): it takes half of the time and changes the
    peak by less than 1%.
    """
    untuned = target.hardware.kind == "gpu" and jax.__version_info__ >= (0, 12)
    try:
        return lowered.compile(compiler_options={"xla_gpu_autotune_level": 0} if untuned else None)
    except jax.errors.JaxRuntimeError as error:
        message = next(iter(str(error).splitlines()), "")
        if sizes := re.search(r"temporaries \(([\d.]+)G\) exceeds available HBM \(([\d.]+)G\)", message):
            raise InputError(
                f"{experiment.name} does not fit {target.name}: temporaries need {sizes[1]} GiB, a device has "
                f"{sizes[2]} GiB; increase --layout.accumulation or --layout.fsdp, or set --layout.remat full"
            ) from None
        raise InputError(f"the compiler cannot compile {experiment.name} for {target.name}: {message}") from None


def _state(lowered: Any, compiled: Any) -> Any:
    """Return the shapes of the step's train state with the shardings of the compiled program."""

    def with_sharding(argument: Any, sharding: jax.sharding.Sharding) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(argument.shape, argument.dtype, sharding=sharding)

    return jax.tree.map(with_sharding, lowered.args_info[0][0], compiled.input_shardings[0][0])


def _attention(experiment: Experiment, mesh: Mesh) -> Backend:
    model, layout = experiment.model, experiment.layout
    if layout.attention != "auto":
        return layout.attention
    dtype = jax.numpy.dtype(layout.compute_dtype)
    return choose(mesh.devices.flat[0], dtype, experiment.data.sequence_length, model.head_dim)


def _describe(experiment: Experiment, sizes: dict[str, int]) -> str:
    """Describe the layout, as in `data 3 x fsdp 8, 64 micro-batches of 8 rows x 2048 tokens per device, remat full`."""
    layout, data = experiment.layout, experiment.data
    mesh = " x ".join(f"{axis} {size}" for axis, size in sizes.items() if size > 1) or "one device"
    micro_batches = layout.accumulation * layout.microbatches
    rows = rows_of_device(experiment, row_parts(sizes))
    policy_changes = [
        f"{verb} {', '.join(names)}" for verb, names in (("save", layout.save), ("offload", layout.offload)) if names
    ]
    extras = [f"zero {layout.zero}"] if layout.zero != 3 else []
    extras += [f"interleave {layout.interleave}"] if layout.interleave > 1 else []
    batches = f"{micro_batches} micro-batch{'es' if micro_batches > 1 else ''}"
    batches += f" of {rows} row{'s' if rows > 1 else ''} x {data.sequence_length} tokens per device"
    return ", ".join([mesh, *extras, batches, f"remat {layout.remat}", *policy_changes])


def _notes(experiment: Experiment, backend: Backend, target: Target) -> Iterator[str]:
    layout, kind = experiment.layout, target.hardware.kind
    if backend in PLAIN and kind != "cpu":
        reason = f"none of our kernels supports these rows on {target.hardware.name}"
        yield f"attention is {backend}, which is slow plain JAX: {reason}"
    if layout.projections == "fp8":
        yield "products in fp8 are counted at the speed of bfloat16"
    if layout.compute_dtype == "float32" and kind != "cpu":
        yield "products in float32 are counted at the speed of bfloat16"
    if experiment.model.experts:
        yield "experts are assumed to be evenly loaded"
    if experiment.lora.rank or make_objective(experiment.objective).documents_per_record > 1:
        yield "all tokens are assumed to count in the loss; in chats and pairs only answers do, so the loss is faster"
    if experiment.lora.dropout:
        yield "the time to draw lora.dropout is left out"
