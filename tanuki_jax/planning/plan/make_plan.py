"""A plan: compiles the training step of an experiment for a target, and reads memory, collectives and time out of what comes of it."""

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
from tanuki_jax.lm.objectives.registry import make_objective
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
    """What a step of the experiment needs on the target; nothing is allocated, and no accelerator is needed.

    InputError where the layout does not fit the target's devices, the model or the batch. That it does not fit their memory the plan says.
    """
    validate(experiment)
    began = time.perf_counter()
    devices = target.devices()
    mesh = make_mesh(experiment.layout, devices)
    with compiled_anew() if target.hardware.kind != "cpu" else contextlib.nullcontext():
        lowered = lower_step(experiment, devices)
        compiled = compile_for(lowered, experiment, target)
    spent = time.perf_counter() - began
    program = hlo.parse(compiled.as_text() or "")
    backend, idle = _attention(experiment, mesh), bubble(experiment.layout)
    work, sent = issued(experiment, backend), traffic(collectives(program), mesh, devices, target)
    memory = split(compiled, _state(lowered, compiled), kept_bytes(program), target.hardware)
    found = terms(target.hardware, target.count, work, idle, moved_bytes(program), host_bytes(program), sent)
    sizes = {axis: int(mesh.shape[axis]) for axis in AXES}
    return Plan(
        experiment=experiment.name,
        target=target.name,
        devices=target.count,
        kind=target.hardware.kind,
        layout=_in_words(experiment, sizes),
        memory=memory,
        model_flops=model_flops(experiment),
        issued_flops=work.total,
        traffic=sent,
        terms=found,
        seconds=sum(term.shown for term in found),
        bubble=idle,
        tokens=experiment.data.batch_rows * experiment.data.sequence_length,
        steps=experiment.steps,
        peak_flops=target.hardware.peak_flops,
        compile_seconds=spent,
        advice=advice(experiment, sizes, memory, target),
        notes=tuple(_notes(experiment, backend, target)),
    )


def plan_for(experiment: Experiment, target: str) -> Plan:
    """`make_plan` for a target as it is written, in a process that may have just begun."""
    parsed = parse(target)
    prepare(parsed)
    return make_plan(experiment, parsed)


def prepare(target: Target) -> None:
    """Has jax, which has not begun yet, leave accelerators alone, and begin with as many CPU devices as a target of CPUs has."""
    os.environ["JAX_PLATFORMS"] = "cpu"
    jax.config.update("jax_platforms", "cpu")
    if target.hardware.kind == "cpu":
        flag = f"--xla_force_host_platform_device_count={target.count}"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flag}".strip()


def compile_for(lowered: jax.stages.Lowered, experiment: Experiment, target: Target) -> jax.stages.Compiled:
    """InputError for what the compiler refuses; that of TPUs refuses what does not fit.

    GPUs' products are not tuned, which takes half of the time and changes the peak by less than a hundredth; jax before 0.12 cannot do
    without.
    """
    untuned = target.hardware.kind == "gpu" and jax.__version_info__ >= (0, 12)
    try:
        return lowered.compile(compiler_options={"xla_gpu_autotune_level": 0} if untuned else None)
    except jax.errors.JaxRuntimeError as error:
        said = next(iter(str(error).splitlines()), "")
        if lacking := re.search(r"temporaries \(([\d.]+)G\) exceeds available HBM \(([\d.]+)G\)", said):
            raise InputError(
                f"{experiment.name} does not fit {target.name}: temporaries need {lacking[1]} GiB, and a device has {lacking[2]}; take "
                "more --layout.accumulation, --layout.remat full, or share more over --layout.fsdp"
            ) from None
        raise InputError(f"the compiler cannot compile {experiment.name} for {target.name}: {said}") from None


def _state(lowered: Any, compiled: Any) -> Any:
    """The train state that the step takes, with the shardings that the compiler gave it."""

    def place(given: Any, sharding: jax.sharding.Sharding) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(given.shape, given.dtype, sharding=sharding)

    return jax.tree.map(place, lowered.args_info[0][0], compiled.input_shardings[0][0])


def _attention(experiment: Experiment, mesh: Mesh) -> Backend:
    model, layout = experiment.model, experiment.layout
    if layout.attention != "auto":
        return layout.attention
    dtype = jax.numpy.dtype(layout.compute_dtype)
    return choose(mesh.devices.flat[0], dtype, experiment.data.sequence_length, model.head_dim)


def _in_words(experiment: Experiment, sizes: dict[str, int]) -> str:
    """As `data 3 x fsdp 8, 64 micro-batches of 8 rows a device, remat full`."""
    layout, data = experiment.layout, experiment.data
    mesh = " x ".join(f"{axis} {size}" for axis, size in sizes.items() if size > 1) or "one device"
    parts = layout.accumulation * layout.microbatches
    rows = rows_of_device(experiment, row_parts(sizes))
    kept = [
        f"{verb} {', '.join(names)}" for verb, names in (("save", layout.save), ("offload", layout.offload)) if names
    ]
    extras = [f"zero {layout.zero}"] if layout.zero != 3 else []
    extras += [f"interleave {layout.interleave}"] if layout.interleave > 1 else []
    batches, plural = f"{parts} micro-batch{'es' if parts > 1 else ''}", "s" if rows > 1 else ""
    micro = f"{batches} of {rows} row{plural} x {data.sequence_length} tokens a device"
    return ", ".join([mesh, *extras, micro, f"remat {layout.remat}", *kept])


def _notes(experiment: Experiment, backend: Backend, target: Target) -> Iterator[str]:
    layout, kind = experiment.layout, target.hardware.kind
    if backend in PLAIN and kind != "cpu":
        yield f"attention is {backend}, in plain JAX: no kernel of ours takes these rows on {target.hardware.name}, and it is slow"
    if layout.projections == "fp8":
        yield "products in fp8 are counted at the speed of bfloat16"
    if layout.compute_dtype == "float32" and kind != "cpu":
        yield "products in float32 are counted at the speed of bfloat16"
    if experiment.model.experts:
        yield "experts are taken to be loaded evenly"
    if experiment.lora.rank or make_objective(experiment.objective).documents_per_record > 1:
        yield "every token is taken to count in the loss; of chats and pairs only answers do, and the loss takes less time"
    if experiment.lora.dropout:
        yield "what lora.dropout takes to draw is left out"
