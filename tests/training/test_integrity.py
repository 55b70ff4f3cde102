"""Checks of the hardware: healthy steps pass on any mesh, and one flipped bit is found and named."""

import dataclasses
import itertools
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.base.errors import Corrupt
from tanuki_jax.config.experiment import Layout
from tanuki_jax.data.batch import Batch
from tanuki_jax.training import integrity
from tanuki_jax.training.integrity import make_check
from tanuki_jax.training.setup import TrainSetup, TrainState
from tanuki_jax.training.step import Metrics, step_function
from tests.training.test_step import DENSE, MOE, ONE_DEVICE, Trainer, batch

pytestmark = pytest.mark.thorough

THREE_AXES = Layout(data=2, fsdp=2, tensor=2)


def flipped(array: jax.Array, devices: tuple[int, ...], value: int = 0, bit: int = 3) -> jax.Array:
    """Return the array with one bit of one value flipped on some devices, as a cosmic ray flips it."""
    parts = []
    for shard in array.addressable_shards:
        words = np.array(shard.data).reshape(-1).view(np.uint32)
        if shard.device.id in devices:
            words[value] ^= 1 << bit
        parts.append(jax.device_put(words.view(array.dtype).reshape(shard.data.shape), shard.device))
    return jax.make_array_from_single_device_arrays(array.shape, array.sharding, parts)


@pytest.mark.parametrize(
    ("layout", "model"),
    [
        (dataclasses.replace(THREE_AXES, accumulation=2), DENSE),
        pytest.param(Layout(data=4, fsdp=2, zero=1), DENSE, marks=pytest.mark.long),
        pytest.param(Layout(data=1, fsdp=2, expert=4, exchange="all_to_all"), MOE, marks=pytest.mark.long),
    ],
)
def test_a_healthy_step_passes_and_is_left_as_it_was(layout: Layout, model: Any) -> None:
    trainer = Trainer(layout, model)
    before = jax.device_get(trainer.state)
    with jax.set_mesh(trainer.mesh):
        make_check(trainer.setup)(trainer.state, trainer.place(batch(0)))
    jax.tree.map(np.testing.assert_array_equal, before, jax.device_get(trainer.state))


@pytest.mark.parametrize(
    ("path", "devices", "sentence"),
    [
        (
            ("parameters", "norm"),
            (5,),
            "replicas of parameters.norm along data x fsdp x tensor differ on device 5 of process 0",
        ),
        (
            ("parameters", "embedding"),
            (3,),
            "replicas of parameters.embedding along data differ on device 3 of process 0, device 7 of process 0",
        ),
        (
            ("accepted",),
            (0, 1),
            "replicas of accepted along data x fsdp x tensor differ on device 0 of process 0, device 1 of process 0",
        ),
    ],
)
def test_a_flipped_bit_of_a_replica_is_found_and_named(
    path: tuple[str, ...], devices: tuple[int, ...], sentence: str
) -> None:
    """Among eight or four replicas the outlier is known; of two either may be wrong."""
    trainer = Trainer(THREE_AXES)
    *outer, last = path
    holder = trainer.state[outer[0]] if outer else trainer.state
    holder[last] = flipped(holder[last], devices)
    with jax.set_mesh(trainer.mesh), pytest.raises(Corrupt, match=f"^{re.escape(sentence)}$"):
        make_check(trainer.setup)(trainer.state, trainer.place(batch(0)))


def test_a_step_that_is_not_the_same_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The step adds a number that differs in each run of the program, as a fault would."""
    count = itertools.count()

    def unreliable(setup: TrainSetup) -> Any:
        step = step_function(setup)

        def wrong(state: TrainState, rows: Batch[jax.Array]) -> tuple[TrainState, Metrics]:
            after, metrics = step(state, rows)
            drawn = jax.pure_callback(lambda: np.float32(next(count)), jax.ShapeDtypeStruct((), jnp.float32))
            return after | {"rate_factor": after["rate_factor"] + drawn}, metrics

        return wrong

    monkeypatch.setattr(integrity, "step_function", unreliable)
    trainer = Trainer(ONE_DEVICE)
    sentence = "the same step computed twice gave different rate_factor, on device 0 of process 0"
    with jax.set_mesh(trainer.mesh), pytest.raises(Corrupt, match=f"^{sentence}$"):
        make_check(trainer.setup)(trainer.state, trainer.place(batch(0)))
