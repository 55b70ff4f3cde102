"""A mixture-of-experts layer and its gradients as machine code for H100s that this machine does not have."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from tanuki_jax.config.experiment import Layout, Router
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.experts import Choices, Experts
from tanuki_jax.lm.model.weights import weights
from tanuki_jax.lm.parallel.dispatch import make_dispatch
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import ACTIVATIONS, stored_spec
from tanuki_jax.planning.plan.target import parse

pytestmark = pytest.mark.gpu_compile

ROWS, TIME = 16, 64


@pytest.mark.parametrize(
    ("layout", "factor", "collective"),
    [
        (Layout(expert=8), 0.0, "ragged-all-to-all"),
        (Layout(fsdp=2, expert=2, tensor=2), 0.0, "ragged-all-to-all"),
        (Layout(expert=8, exchange="all_to_all"), 0.0, "all-to-all"),
        (Layout(expert=8), 1.25, "all-to-all"),
        (Layout(expert=16), 0.0, "all-gather"),
    ],
    ids=["ragged", "ragged, fsdp and tensor", "padded", "capacity", "two nodes"],
)
def test_every_exchange_compiles_and_leaves_experts_where_they_are(
    layout: Layout, factor: float, collective: str
) -> None:
    model = Model(vocabulary=8, width=640, hidden=768, layers=1, heads=1, kv_heads=1, experts=16)
    mesh = make_mesh(layout, parse(f"h100:{max(1, layout.expert // 8)}x8").devices())
    dispatch = make_dispatch(mesh, model, layout, Router(capacity_factor=factor))

    def array(spec: P, dtype: Any, *shape: int) -> Any:
        return jax.ShapeDtypeStruct(shape, dtype, sharding=NamedSharding(mesh, spec))

    tokens, matrices = ACTIVATIONS["btd"], [(16, 640, 768)] * 2 + [(16, 768, 640)]
    names = ("expert_gate", "expert_up", "expert_down")
    specs = [stored_spec(weights(model)[f"blocks.{name}"]) for name in names]
    experts = Experts(*(array(P(*spec[1:]), jnp.bfloat16, *shape) for spec, shape in zip(specs, matrices, strict=True)))
    choices = Choices(array(tokens, jnp.int32, ROWS, TIME, 2), array(tokens, jnp.float32, ROWS, TIME, 2))

    def loss(x_btd: jax.Array, weights_btk: jax.Array, experts: Experts, experts_btk: jax.Array) -> jax.Array:
        y_btd, dropped = dispatch(x_btd, Choices(experts_btk, weights_btk), experts)
        return y_btd.astype(jnp.float32).sum() + dropped

    gradients = jax.jit(jax.grad(loss, argnums=(0, 1, 2)))
    arrays = (array(tokens, jnp.bfloat16, ROWS, TIME, model.width), choices.weights_btk, experts, choices.experts_btk)
    program = gradients.lower(*arrays).compile().as_text() or ""
    found = {
        name
        for name in ("ragged-all-to-all", "all-to-all", "all-gather")
        if f" {name}(" in program or f" {name}-start(" in program
    }
    assert collective in found
    assert ("mosaic_gpu" in program) == (factor == 0)
    assert "[16,640,768]" not in program and "[16,768,640]" not in program
