"""The mesh of a layout."""

import jax
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Layout
from tanuki_jax.lm.parallel.mesh import AXES, make_mesh


@pytest.mark.parametrize(
    ("layout", "sizes"),
    [
        (Layout(), {"data": 8}),
        (Layout(fsdp=8), {"fsdp": 8}),
        (Layout(data=2, fsdp=-1, tensor=2), {"data": 2, "fsdp": 2, "tensor": 2}),
        (Layout(fsdp=2, expert=4), {"fsdp": 2, "expert": 4}),
    ],
)
def test_one_axis_takes_the_devices_that_the_others_leave(layout: Layout, sizes: dict[str, int]) -> None:
    assert dict(make_mesh(layout).shape) == {axis: 1 for axis in AXES} | sizes


@pytest.mark.parametrize(
    "layout", [Layout(fsdp=3), Layout(data=2, fsdp=2), Layout(data=4, fsdp=4), Layout(data=0), Layout(data=-1, fsdp=-1)]
)
def test_a_layout_that_does_not_fit_names_its_axes_and_the_devices(layout: Layout) -> None:
    with pytest.raises(InputError, match=r"(data|fsdp).*8 devices"):
        make_mesh(layout)


def test_neighbours_in_the_tensor_axis_are_neighbouring_devices() -> None:
    mesh = make_mesh(Layout(data=4, tensor=2))
    assert [[device.id for device in pair] for pair in mesh.devices.reshape(4, 2)] == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert jax.device_count() == 8


def test_devices_that_exchange_tokens_are_nearest() -> None:
    mesh = make_mesh(Layout(data=1, fsdp=2, expert=2, tensor=2))
    assert [[device.id for device in pair] for pair in mesh.devices.reshape(4, 2).T] == [[0, 2, 4, 6], [1, 3, 5, 7]]
    assert mesh.devices[0, 0, :, :, 0, 0].tolist() == [
        [jax.devices()[0], jax.devices()[2]],
        [jax.devices()[4], jax.devices()[6]],
    ]
