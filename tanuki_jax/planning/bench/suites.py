"""Suites of measurements by name, and the machine that they are taken on."""

import contextlib
import dataclasses
import platform
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from typing import Any

from tanuki_jax.config import registry
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.model import Model
from tanuki_jax.lm.kernels.devices import devices
from tanuki_jax.planning.bench import attention, cross_entropy, grouped_matmul, step_timing
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
"""Packages whose versions a report lists."""

ADAPTER_CONFIGS = ("8b_sft_lora", "8b_dpo_lora")
"""Configs of post-training whose steps are timed."""


def steps(sizes: Sizes) -> Iterator[Measurement]:
    """Yield steps of `8b` at two depths."""
    return step_timing.measurements(experiment(sizes), sizes.layers, sizes.rows, sizes.document)


def expert_steps(sizes: Sizes) -> Iterator[Measurement]:
    """Yield steps of `8x8b` at one depth."""
    rows = [2 * sizes.tokens // sizes.times[0]]
    return step_timing.measurements(expert_experiment(sizes), sizes.layers[1:], rows, sizes.document)


def adapter_steps(sizes: Sizes) -> Iterator[Measurement]:
    """Yield steps of the configs that train adapters, with all layers."""
    for name in ADAPTER_CONFIGS:
        tuned = adapter_experiment(name, sizes)
        rows = [max(1, sizes.tokens // tuned.data.sequence_length)]
        depths, policies = [sizes.model.layers], ("own", "attention")
        yield from step_timing.measurements(tuned, depths, rows, sizes.document, policies)


def loader_batches(sizes: Sizes) -> Iterator[Measurement]:
    """Yield measurements of the loader."""
    from tanuki_jax.planning.bench import loader  # not at the top: kernels need no library that reads data

    return loader.measurements(sizes)


SUITES: dict[str, Callable[[Sizes], Iterator[Measurement]]] = {
    attention.BENCHMARK: attention.measurements,
    cross_entropy.BENCHMARK: cross_entropy.measurements,
    grouped_matmul.BENCHMARK: grouped_matmul.measurements,
    step_timing.BENCHMARK: steps,
    "expert-step": expert_steps,
    "adapter-step": adapter_steps,
    "loader": loader_batches,
}
"""Suites in the order in which `bench all` measures them."""


def experiment(sizes: Sizes) -> Experiment:
    """Return `8b` with the model and row length of these sizes."""
    return _resized(registry.experiment.find("8b"), sizes.model, sizes)


def expert_experiment(sizes: Sizes) -> Experiment:
    """Return `8x8b` with the model and row length of these sizes."""
    full: Experiment = registry.experiment.find("8x8b")
    model = dataclasses.replace(
        sizes.model, experts=sizes.experts, experts_per_token=sizes.choices, router_logits=full.model.router_logits
    )
    return _resized(full, model, sizes)


def adapter_experiment(name: str, sizes: Sizes) -> Experiment:
    """Return a config that trains adapters, with the model of these sizes."""
    full: Experiment = registry.experiment.find(name)
    time = min(full.data.sequence_length, sizes.times[0])
    return dataclasses.replace(full, model=sizes.model, data=dataclasses.replace(full.data, sequence_length=time))


def _resized(full: Experiment, model: Model, sizes: Sizes) -> Experiment:
    return dataclasses.replace(full, model=model, data=dataclasses.replace(full.data, sequence_length=sizes.times[0]))


def completed(results: Sequence[Result], sizes: Sizes) -> list[Result]:
    """Return the results with derived ones: shares of cuDNN's time, and steps extrapolated to full depth."""
    steps_at_full_depth = step_timing.extrapolated(results, experiment(sizes), sizes.layers)
    return attention.with_cudnn_shares(list(results)) + steps_at_full_depth


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Return the versions of Python and of the packages that are installed."""
    installed = {"python": platform.python_version()}
    for package in packages:
        with contextlib.suppress(metadata.PackageNotFoundError):
            installed[package] = metadata.version(package)
    return installed


def machine() -> dict[str, Any]:
    """Return device, platform and versions, on which the figures depend besides the code."""
    device = devices()[0]
    return {"device": device.device_kind, "platform": device.platform, "versions": versions(PACKAGES)}
