"""Time split over `context`: an even share of causal attention for every device, and rows put together again."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec as P

from tanuki_jax.config.experiment import Layout
from tanuki_jax.lm.parallel.context import gather_time, time_order
from tanuki_jax.lm.parallel.mesh import make_mesh


@pytest.mark.parametrize("devices", [1, 2, 3, 8])
def test_every_device_has_as_many_visible_pairs_as_the_others(devices: int) -> None:
    order = time_order(devices, 48)
    assert sorted(order) == list(range(48))
    assert len({int(part.sum()) for part in order.reshape(devices, -1)}) == 1


def test_one_device_keeps_the_order_of_the_row() -> None:
    np.testing.assert_array_equal(time_order(1, 10), np.arange(10))


@pytest.mark.parametrize("devices", [1, 2, 4])
def test_rows_are_gathered_in_order_and_gradients_return(devices: int) -> None:
    mesh = make_mesh(Layout(context=devices))
    x_bt = jnp.arange(2 * 16 * 3.0).reshape(2, 16, 3)
    split = x_bt[:, time_order(devices, 16)]
    spread = functools.partial(jax.shard_map, mesh=mesh, in_specs=P(None, "context"))
    whole = jax.jit(spread(gather_time, out_specs=P(), check_vma=False))(split)
    np.testing.assert_array_equal(whole, x_bt)

    def total(split: jax.Array) -> jax.Array:
        def local(part: jax.Array) -> jax.Array:
            return jnp.sum(gather_time(part) * x_bt)[None]

        return jnp.sum(spread(local, out_specs=P("context"))(split))

    np.testing.assert_array_equal(jax.jit(jax.grad(total))(split), devices * split)
