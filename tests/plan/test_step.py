"""Whole steps of the largest configs, compiled for devices that are not here."""

import dataclasses

import jax
import pytest

from tanuki_jax.config.experiment import Layout
from tanuki_jax.config.registry import experiment
from tanuki_jax.errors import InputError
from tanuki_jax.plan.step import lower_step
from tanuki_jax.plan.target import devices

GIB = 2**30


def test_a_batch_that_the_devices_do_not_divide_is_refused() -> None:
    odd = dataclasses.replace(experiment.find("tiny"), layout=Layout(fsdp=8, accumulation=16))
    with pytest.raises(InputError, match="a micro-batch of 1 rows"):
        lower_step(odd, jax.devices())


@pytest.mark.gpu_compile
@pytest.mark.parametrize("nodes", [8, 16])
def test_8x8b_at_4096_with_3072_rows_fits_h100s(nodes: int) -> None:
    """In the layout that the config has, with room for what the compiler does not count: communication buffers, fragmentation."""
    whole = experiment.find("8x8b_0806")
    assert (whole.data.sequence_length, whole.data.batch_rows) == (4096, 3072)
    compiled = lower_step(whole, devices("h100", 8 * nodes)).compile()
    memory = compiled.memory_analysis()
    assert memory is not None
    assert memory.peak_memory_in_bytes < 72 * GIB
    program = compiled.as_text() or ""
    assert "ragged-all-to-all" in program
    assert "8,4096,14336]" not in program and "8,14336,4096]" not in program, "experts were gathered over `expert`"


@pytest.mark.gpu_compile
def test_four_layers_of_the_8x8b_fit_one_h200() -> None:
    """What `bench step --config=8x8b --layers=4` runs, with the policy that keeps the most but for `none`."""
    whole = experiment.find("8x8b")
    four = dataclasses.replace(
        whole,
        model=dataclasses.replace(whole.model, layers=4),
        data=dataclasses.replace(whole.data, batch_rows=16),
        layout=Layout(data=1, remat="dots"),
    )
    memory = lower_step(four, devices("h200")).compile().memory_analysis()
    assert memory is not None and memory.peak_memory_in_bytes < 130 * GIB
