"""Tokens to experts on meshes, against one device that has all experts."""

import dataclasses
import functools
import logging
import math
from types import SimpleNamespace
from typing import Any, Literal, cast

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest
from jax.sharding import Mesh

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Layout, Router
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.experts import Choices, Dispatch, Experts, dropless
from tanuki_jax.lm.parallel.dispatch import choose_exchange, make_dispatch
from tanuki_jax.lm.parallel.mesh import make_mesh
from tests.lm.kernels.devices import device

EXPERTS, EACH, WIDTH, HIDDEN, ROWS, TIME = 8, 2, 6, 10, 8, 4
MODEL = Model(
    vocabulary=8, width=WIDTH, hidden=HIDDEN, layers=1, heads=1, kv_heads=1, experts=EXPERTS, experts_per_token=EACH
)
MESHES = [
    *[Layout(data=1, expert=expert) for expert in (1, 2, 4, 8)],
    *[Layout(data=1, expert=expert, fsdp=2) for expert in (1, 2, 4)],
    *[Layout(data=1, expert=expert, tensor=2) for expert in (1, 2, 4)],
    *[Layout(data=1, expert=expert, fsdp=2, tensor=2) for expert in (1, 2)],
    Layout(data=2, expert=2, fsdp=2),
]

type Integers = npt.NDArray[np.int32]


def mesh_of(layout: Layout) -> Mesh:
    return make_mesh(layout, jax.devices()[: layout.data * layout.fsdp * layout.expert * layout.tensor])


def named(layout: Layout) -> str:
    return (
        " x ".join(
            f"{axis} {getattr(layout, axis)}"
            for axis in ("data", "fsdp", "expert", "tensor")
            if getattr(layout, axis) > 1
        )
        or "one"
    )


def routings() -> dict[str, Integers]:
    """int32[B, T, k]: the experts of each token, E for padding."""
    random = np.random.default_rng(0)
    scores = random.normal(size=(ROWS, TIME, EXPERTS))
    anywhere = np.argsort(scores)[..., :EACH]
    padding = random.random((ROWS, TIME, 1)) < 0.4
    padding[3] = True
    routed = {
        "random": anywhere,
        "half of them empty": anywhere // 2 * 2 + np.array([0, 1]) * (anywhere[..., :1] // 2 == anywhere[..., 1:] // 2),
        "all to one and to the last": np.broadcast_to([2, EXPERTS - 1], anywhere.shape),
        "padding": np.where(padding, EXPERTS, anywhere),
        "nothing but padding": np.full_like(anywhere, EXPERTS),
    }
    return {name: choices.astype(np.int32) for name, choices in routed.items()}


def arrays(seed: int = 0) -> tuple[jax.Array, jax.Array, Experts, jax.Array]:
    """x, weights of the choices, experts, and the gradient of what comes out."""
    keys = jax.random.split(jax.random.key(seed), 6)
    x_btd, g_btd = (jax.random.normal(key, (ROWS, TIME, WIDTH)) for key in keys[:2])
    matrices = [(EXPERTS, WIDTH, HIDDEN)] * 2 + [(EXPERTS, HIDDEN, WIDTH)]
    experts = Experts(*(jax.random.normal(key, shape) for key, shape in zip(keys[3:], matrices, strict=True)))
    return x_btd, jax.nn.softmax(jax.random.normal(keys[2], (ROWS, TIME, EACH))), experts, g_btd


@functools.partial(jax.jit, static_argnums=0)
def results(
    dispatch: Dispatch, experts_btk: npt.ArrayLike, x: jax.Array, weights: jax.Array, experts: Experts, g: jax.Array
) -> tuple[Any, ...]:
    """Values, how many were dropped, and the gradients of x, of the weights of choices and of experts."""

    def of_given(x: jax.Array, weights: jax.Array, experts: Experts) -> tuple[jax.Array, jax.Array]:
        return dispatch(x, Choices(jnp.asarray(experts_btk), weights), experts)

    y_btd, pull, dropped = jax.vjp(of_given, x, weights, experts, has_aux=True)
    return y_btd, dropped, pull(g)


def assert_close(ours: Any, expected: Any) -> None:
    """Within 1e-5 of the largest."""

    def close(ours: jax.Array, expected: jax.Array) -> None:
        assert ours.dtype == expected.dtype
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5 * float(jnp.abs(expected).max()))

    jax.tree.map(close, ours, expected)


@functools.cache
def on_one_device(routing: str) -> tuple[Any, ...]:
    return results(dropless, routings()[routing], *arrays())


def every_mesh_and_way() -> list[Any]:
    """All of them, most marked as long: each is compiled anew."""
    ways = {1: ("all_gather", "capacity")}  # where there is nobody to exchange with, one name of it is enough
    quick = {"fsdp 2 x expert 2 x tensor 2"}
    found = []
    for layout in MESHES:
        for way in ways.get(layout.expert, ("all_gather", "all_to_all", "capacity")):
            name = f"{named(layout)}/{way}"
            found.append(
                pytest.param(layout, way, id=name, marks=[] if quick & {name, named(layout)} else pytest.mark.long)
            )
    return found


@pytest.mark.parametrize(("layout", "way"), every_mesh_and_way())
@pytest.mark.thorough
def test_every_mesh_and_exchange_agrees_with_one_device(
    layout: Layout, way: Literal["all_gather", "all_to_all", "capacity"]
) -> None:
    mesh = mesh_of(layout)
    router = Router(capacity_factor=math.inf if way == "capacity" else 0.0)
    dispatch = make_dispatch(
        mesh, MODEL, layout if way == "capacity" else dataclasses.replace(layout, exchange=way), router
    )
    for name, experts_btk in routings().items():
        assert_close(results(dispatch, experts_btk, *arrays()), on_one_device(name))


def kept(experts_btk: Integers, devices: int, rows: int) -> Integers:
    """Return the choices kept if each expert takes the first `rows` of each device's share of the batch; E: dropped."""
    stay = experts_btk.copy()
    for share in np.split(stay, devices):
        taken = [0] * EXPERTS
        for place, expert in np.ndenumerate(share):
            if expert < EXPERTS:
                taken[expert] += 1
                share[place] = expert if taken[expert] <= rows else EXPERTS
    return stay


@pytest.mark.parametrize("name", routings())
def test_a_full_expert_drops_what_comes_last_on_each_device(name: str) -> None:
    """Eight tokens of a device have sixteen choices of eight experts: two rows each at a factor of 1."""
    layout = Layout(data=1, expert=2, fsdp=2, tensor=2)
    experts_btk = routings()[name]
    stay = kept(experts_btk, devices=4, rows=2)
    dropped = (experts_btk < EXPERTS).sum() - (stay < EXPERTS).sum()
    assert (dropped > 0) == (name != "nothing but padding")
    y_btd, counted, gradients = results(
        make_dispatch(mesh_of(layout), MODEL, layout, Router(capacity_factor=1.0)), experts_btk, *arrays()
    )
    assert counted == dropped
    assert_close((y_btd, gradients), results(dropless, stay, *arrays())[::2])


def test_capacity_is_rounded_up_and_never_above_the_tokens() -> None:
    """Thirty-two tokens of one device, sixty-four choices, eight experts: eight rows each, times the factor."""
    experts_btk = routings()["all to one and to the last"]
    for factor, rows in ((0.26, 3), (100.0, 32)):
        dispatch = make_dispatch(mesh_of(Layout(data=1)), MODEL, Layout(data=1), Router(capacity_factor=factor))
        x_btd, weights_btk, experts, _ = arrays()
        y_btd, dropped = jax.jit(dispatch)(x_btd, Choices(jnp.asarray(experts_btk), weights_btk), experts)
        assert dropped == 2 * (32 - rows)
        assert np.asarray(y_btd).reshape(32, WIDTH).any(1).tolist() == [token < rows for token in range(32)]


def mesh_like(platform: str, expert: int, tensor: int = 1) -> Mesh:
    """Mesh of absent devices, with what `choose_exchange` reads of it."""
    return cast(
        Mesh,
        SimpleNamespace(shape={"expert": expert, "context": 1, "tensor": tensor}, devices=np.array([device(platform)])),
    )


@pytest.mark.parametrize(
    ("platform", "layout", "factor", "chosen"),
    [
        ("cpu", Layout(expert=1), 0.0, "none"),
        ("gpu", Layout(expert=1), 1.25, "none"),
        ("cpu", Layout(expert=1, exchange="all_to_all"), 0.0, "none"),
        ("cpu", Layout(expert=8), 0.0, "all_gather"),
        ("cpu", Layout(expert=8), 1.25, "all_to_all"),
        ("gpu", Layout(expert=8), 0.0, "ragged_all_to_all"),
        ("gpu", Layout(expert=16), 0.0, "all_gather"),
        ("gpu", Layout(expert=4, tensor=2), 0.0, "ragged_all_to_all"),
        ("gpu", Layout(expert=8, tensor=2), 0.0, "all_gather"),
        ("gpu", Layout(expert=8), 1.25, "all_to_all"),
        ("gpu", Layout(expert=8, exchange="all_gather"), 0.0, "all_gather"),
        ("gpu", Layout(expert=2, exchange="ragged_all_to_all"), 0.0, "ragged_all_to_all"),
        ("tpu", Layout(expert=4), 0.0, "all_gather"),
    ],
)
def test_the_exchange_follows_the_devices(platform: str, layout: Layout, factor: float, chosen: str) -> None:
    assert (
        choose_exchange(mesh_like(platform, layout.expert, layout.tensor), layout, Router(capacity_factor=factor))
        == chosen
    )


@pytest.mark.parametrize(("platform", "expert"), [("cpu", 8), ("cpu", 1), ("gpu", 16), ("tpu", 2)])
def test_parts_of_their_own_size_are_for_the_gpus_of_a_node(platform: str, expert: int) -> None:
    sentence = (
        "^layout.exchange ragged_all_to_all is for GPUs and a layout.expert of at most 8, "
        f"not for a layout.expert of {expert} on platform {platform}$"
    )
    with pytest.raises(InputError, match=sentence):
        choose_exchange(mesh_like(platform, expert), Layout(expert=expert, exchange="ragged_all_to_all"), Router())


@pytest.mark.parametrize(
    ("factor", "line"),
    [
        (
            0.0,
            "experts: all_gather over 8 devices; with 4 tokens on each, the buffer of one has up to 32 rows, 0.00 GiB",
        ),
        (
            1.25,
            "experts: all_to_all over 8 devices; with 4 tokens on each, the buffer of one has up to 16 rows, 0.00 GiB",
        ),
    ],
)
def test_the_choice_and_the_largest_buffer_are_logged_once(
    factor: float, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    """All tokens may choose one expert; with a capacity it takes 1.25 x 4 x 2 / 8 of each device, rounded up."""
    model = dataclasses.replace(MODEL, vocabulary=9)
    dispatch = make_dispatch(mesh_of(Layout(data=1, expert=8)), model, Layout(expert=8), Router(capacity_factor=factor))
    choices = jnp.zeros((ROWS, TIME, EACH), jnp.int32)
    with caplog.at_level(logging.INFO, "tanuki_jax.lm.parallel.dispatch"):
        for _ in range(2):
            jax.eval_shape(lambda x, weights, experts, _: dispatch(x, Choices(choices, weights), experts), *arrays())
    assert caplog.messages == [line]
