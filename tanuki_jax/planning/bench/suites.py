"""All measurements by benchmark, and the machine that they are taken on."""

import contextlib
import dataclasses
import platform
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from typing import Any

import jax

from tanuki_jax.config import registry
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.model import Model
from tanuki_jax.planning.bench import attention, cross_entropy, grouped_matmul
from tanuki_jax.planning.bench import step_timing as step
from tanuki_jax.planning.bench.bench_results import Measurement, Result
from tanuki_jax.planning.bench.sizes import Sizes

PACKAGES = (
    "tanuki-jax",
    "jax",
    "jaxlib",
    "jax-cuda13-plugin",
    "nvidia-cudnn-cu13",
    "flax",
    "optax",
    "numpy",
    "tokamax",
    "torch",
    "flash-attn",
)

ADAPTED = ("8b_sft_lora", "8b_dpo_lora")
"""What is measured of post-training."""


def of_steps(sizes: Sizes) -> Iterator[Measurement]:
    return step.measurements(experiment(sizes), sizes.layers, sizes.rows, sizes.document)


def of_expert_steps(sizes: Sizes) -> Iterator[Measurement]:
    return step.measurements(
        expert_experiment(sizes), sizes.layers[1:], [2 * sizes.tokens // sizes.times[0]], sizes.document
    )


def of_adapter_steps(sizes: Sizes) -> Iterator[Measurement]:
    for name in ADAPTED:
        tuned = adapted(name, sizes)
        rows = max(1, sizes.tokens // tuned.data.sequence_length)
        yield from step.measurements(tuned, [sizes.model.layers], [rows], sizes.document, ("own", "attention"))


def of_loader(sizes: Sizes) -> Iterator[Measurement]:
    from tanuki_jax.planning.bench import loader  # here: the libraries that read data are not needed to time kernels

    return loader.measurements(sizes)


PARTS: dict[str, Callable[[Sizes], Iterator[Measurement]]] = {
    attention.BENCHMARK: attention.measurements,
    cross_entropy.BENCHMARK: cross_entropy.measurements,
    grouped_matmul.BENCHMARK: grouped_matmul.measurements,
    step.BENCHMARK: of_steps,
    "expert-step": of_expert_steps,
    "adapter-step": of_adapter_steps,
    "loader": of_loader,
}
"""In the order in which `bench all` takes them."""


def experiment(sizes: Sizes) -> Experiment:
    """`8b` with the model of these sizes and the rows that the targets are about."""
    return _with(registry.experiment.find("8b"), sizes.model, sizes)


def expert_experiment(sizes: Sizes) -> Experiment:
    """`8x8b` with the model of these sizes, likewise."""
    whole: Experiment = registry.experiment.find("8x8b")
    model = dataclasses.replace(
        sizes.model, experts=sizes.experts, experts_per_token=sizes.choices, router_logits=whole.model.router_logits
    )
    return _with(whole, model, sizes)


def adapted(name: str, sizes: Sizes) -> Experiment:
    """A config that trains adapters, at all layers of the model of these sizes."""
    whole: Experiment = registry.experiment.find(name)
    time = min(whole.data.sequence_length, sizes.times[0])
    return dataclasses.replace(whole, model=sizes.model, data=dataclasses.replace(whole.data, sequence_length=time))


def _with(whole: Experiment, model: Model, sizes: Sizes) -> Experiment:
    return dataclasses.replace(whole, model=model, data=dataclasses.replace(whole.data, sequence_length=sizes.times[0]))


def completed(results: Sequence[Result], sizes: Sizes) -> list[Result]:
    """The results with what follows from several of them: shares of cuDNN's time, and steps at full depth."""
    return attention.compared(list(results)) + step.extrapolated(results, experiment(sizes), sizes.layers, sizes.rows)


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Those of Python and of the packages that are installed."""
    found = {"python": platform.python_version()}
    for package in packages:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def machine() -> dict[str, Any]:
    """What the figures depend on besides the code."""
    device = jax.devices()[0]
    return {"device": device.device_kind, "platform": device.platform, "versions": versions(PACKAGES)}
