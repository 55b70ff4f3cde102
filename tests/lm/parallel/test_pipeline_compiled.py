"""The pipeline beside context parallelism, compiled for GPUs that are not here."""

import dataclasses
import re

import pytest

from tanuki_jax.config.experiment import Layout
from tanuki_jax.config.registry import experiment
from tanuki_jax.planning.plan.lowered_step import lower_step
from tanuki_jax.planning.plan.target import parse

pytestmark = pytest.mark.gpu_compile


def test_stages_talk_by_permutations_alone_and_our_kernel_attends_in_them() -> None:
    whole = experiment.find("1b")
    layout = Layout(data=1, fsdp=2, context=2, stage=2, interleave=2, microbatches=4, accumulation=32)
    program = (
        lower_step(dataclasses.replace(whole, layout=layout), parse("h100:1x8").devices()).compile().as_text() or ""
    )
    handed = re.findall(r"bf16\[1,(?:1,)?2,1024,2048\]\S* collective-permute", program)
    assert handed, "no micro-batch is handed on"
    assert not re.search(r"bf16\[[\d,]*1024,2048\]\S* all-to-all", program)
    assert not re.search(r"pred\[9,1,2,1024,2048\]", program), (
        "masks as large as activations are kept for the backward pass"
    )
    assert "mosaic_gpu" in program
