"""Arrays on the disk and on the devices are those that were saved, or it is said which are not."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.checkpoints.format import State, read_state, step_folder
from tanuki_jax.checkpoints.restore import restore
from tanuki_jax.checkpoints.sums import sums
from tanuki_jax.checkpoints.verify import sums_on_disk, verify
from tests.checkpoints.test_save import saved


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verified")
    saved(folder, 1, 1)
    return step_folder(folder, 1)


def restored(checkpoint: Path, dtype: Any = jnp.bfloat16) -> dict[str, Any]:
    place = jax.sharding.SingleDeviceSharding(jax.devices()[0])

    def array(*shape: int, dtype: Any = jnp.float32) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(shape, dtype, sharding=place)

    base = {"blocks": {"q": array(3, 8, 4), "expert_gate": array(2, 8, 4, 4)}, "norm": array(8, dtype=dtype)}
    return restore(checkpoint, base=base, optimizer={"accepted": array(dtype=jnp.int32)})


def test_sums_are_saved_of_all_arrays_and_hold_after_restoring(checkpoint: Path) -> None:
    found, state = restored(checkpoint), read_state(checkpoint)
    assert sums(found) == state.sums
    assert sorted(state.sums) == ["base.blocks.expert_gate", "base.blocks.q", "base.norm", "optimizer.accepted"]
    assert verify(checkpoint, found, state) == ""


def test_the_files_give_the_same_sums(checkpoint: Path) -> None:
    found = restored(checkpoint)["base"]
    assert sums_on_disk(checkpoint, "base", found, read_state(checkpoint).model) == sums(found)


def test_an_array_that_is_not_what_was_saved_is_named(checkpoint: Path) -> None:
    found, state = restored(checkpoint), read_state(checkpoint)
    q = found["base"]["blocks"]["q"]
    other = found | {"base": found["base"] | {"blocks": found["base"]["blocks"] | {"q": q.at[2, 3, 1].add(1e-5)}}}
    assert verify(checkpoint, other, state) == "base.blocks.q on the devices is not what was saved"
    assert (
        verify(checkpoint, {"optimizer": {"accepted": jnp.int32(2)}}, state)
        == "optimizer.accepted on the devices is not what was saved"
    )


def test_arrays_that_were_cast_and_checkpoints_without_sums_are_not_judged(checkpoint: Path) -> None:
    state: State = read_state(checkpoint)
    found = restored(checkpoint, dtype=jnp.float32)
    assert found["base"]["norm"].dtype == np.float32
    assert verify(checkpoint, found, state) == ""
    wrong = {"optimizer": {"accepted": jnp.int32(2)}}
    assert verify(checkpoint, wrong, dataclasses.replace(state, sums={})) == ""
