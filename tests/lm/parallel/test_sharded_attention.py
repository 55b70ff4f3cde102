"""Attention on a mesh."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Layout
from tanuki_jax.lm.kernels.attention.attention import Backend, self_attention
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharded_attention import make_attend
from tests.lm.kernels.leak import rows


@pytest.mark.parametrize("backend", ["auto", "reference"])
def test_rows_and_heads_on_eight_devices_attend_as_on_one(backend: Backend) -> None:
    mesh = make_mesh(Layout(data=2, fsdp=2, tensor=2))
    ids = [jnp.asarray(side) for side in rows([[9, 5, 2], [16], [], [1] * 16], 16)]
    q, k, v = (
        jax.random.normal(key, (4, 16, h, 8))
        for key, h in zip(jax.random.split(jax.random.key(0), 3), (4, 2, 2), strict=True)
    )

    @functools.partial(jax.jit, static_argnums=0)
    def results(attend: object, q: jax.Array, k: jax.Array, v: jax.Array) -> tuple[jax.Array, ...]:
        assert callable(attend)
        out, pull_back = jax.vjp(lambda q, k, v: attend(q, k, v, *ids), q, k, v)
        return out, *pull_back(jnp.cos(out))

    with jax.set_mesh(mesh):
        found = results(make_attend(mesh, backend), q, k, v)
    for ours, expected in zip(found, results(self_attention, q, k, v), strict=True):
        np.testing.assert_allclose(ours, expected, atol=2e-6)


@pytest.mark.parametrize(("backend", "platform"), [("hopper", "gpu"), ("cudnn", "gpu"), ("tpu", "tpu")])
def test_a_kernel_of_another_device_is_refused(backend: Backend, platform: str) -> None:
    with pytest.raises(
        InputError, match=f"layout.attention {backend} needs a {platform}, and the devices here are of platform cpu"
    ):
        make_attend(make_mesh(Layout()), backend)
