"""Names and layouts, against the products that they stand for."""

import dataclasses

import numpy as np
import pytest

from tanuki_jax.checkpoints.hugging_face.llama import LLAMA
from tanuki_jax.checkpoints.hugging_face.mixtral import MIXTRAL
from tanuki_jax.checkpoints.hugging_face.tensors import from_hugging_face, tensor_name, tensors, to_hugging_face
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.weights import count_parameters, weights

MODEL = Model(vocabulary=40, width=24, hidden=20, layers=2, heads=6, kv_heads=2)


MIXED = ("blocks.router", "blocks.expert_up", "blocks.expert_down")


def test_every_parameter_has_its_tensor_once() -> None:
    found = tensors(LLAMA, MODEL)
    assert len({tensor.name for tensor in found}) == len(found) == 3 + 9 * MODEL.layers
    assert sum(int(np.prod(tensor.shape)) for tensor in found) == count_parameters(MODEL)
    assert all(tensor_name(LLAMA, tensor.parameter, tensor.index) == tensor.name for tensor in found)
    shapes = {tensor.name: tensor.shape for tensor in found}
    assert shapes["model.layers.1.self_attn.k_proj.weight"] == (8, 24)
    assert shapes["model.layers.0.mlp.down_proj.weight"] == (24, 20)
    assert shapes["model.embed_tokens.weight"] == shapes["lm_head.weight"] == (40, 24)


def test_every_expert_has_its_three_tensors() -> None:
    model = dataclasses.replace(MODEL, experts=3)
    found = {tensor.name: tensor for tensor in tensors(MIXTRAL, model)}
    assert len(found) == 3 + model.layers * (6 + 1 + 3 * model.experts)
    assert sum(int(np.prod(tensor.shape)) for tensor in found.values()) == count_parameters(model)
    assert all(tensor_name(MIXTRAL, tensor.parameter, tensor.index) == name for name, tensor in found.items())
    moe = "model.layers.1.block_sparse_moe"
    assert (found[f"{moe}.gate.weight"].shape, found[f"{moe}.gate.weight"].parameter) == ((3, 24), "blocks.router")
    experts = {name: found[f"{moe}.experts.2.{name}.weight"] for name in ("w1", "w2", "w3")}
    assert {name: tensor.shape for name, tensor in experts.items()} == {"w1": (20, 24), "w2": (24, 20), "w3": (20, 24)}
    assert {name: tensor.parameter for name, tensor in experts.items()} == {
        "w1": "blocks.expert_gate",
        "w2": "blocks.expert_down",
        "w3": "blocks.expert_up",
    }
    assert {tensor.index for tensor in experts.values()} == {(1, 2)}


def test_a_tied_model_has_no_head_of_its_own() -> None:
    tied = Model(vocabulary=40, width=24, hidden=20, layers=1, heads=6, kv_heads=2, tied=True)
    assert "lm_head.weight" not in {tensor.name for tensor in tensors(LLAMA, tied)}


@pytest.mark.parametrize(
    ("parameter", "shape", "product"),
    [
        ("blocks.q", (24, 6, 4), "td,dhk->thk"),
        ("blocks.o", (6, 4, 24), "thk,hkd->td"),
        ("blocks.gate", (24, 20), "td,df->tf"),
        ("blocks.down", (20, 24), "tf,fd->td"),
        ("blocks.router", (24, 3), "td,de->te"),
        ("blocks.expert_up", (24, 20), "td,df->tf"),
        ("blocks.expert_down", (20, 24), "tf,fd->td"),
        ("output", (24, 40), "td,dv->tv"),
    ],
)
def test_a_linear_layer_of_theirs_computes_our_product(parameter: str, shape: tuple[int, ...], product: str) -> None:
    """Theirs is y = x W^T, with heads one after the other."""
    random = np.random.default_rng(0)
    ours = random.standard_normal(shape)
    row = weights(dataclasses.replace(MODEL, experts=3) if parameter in MIXED else MODEL)[parameter]
    x = random.standard_normal((5, *shape[: row.inputs]))
    theirs = to_hugging_face(row, ours)
    np.testing.assert_allclose(x.reshape(5, -1) @ theirs.T, np.einsum(product, x, ours).reshape(5, -1), rtol=1e-12)
    assert (from_hugging_face(row, theirs) == ours).all()
    if parameter == "output":
        assert (from_hugging_face(row, theirs[3:7]) == ours[:, 3:7]).all()


@pytest.mark.parametrize("parameter", ["embedding", "norm", "blocks.mlp_norm"])
def test_what_is_looked_up_or_scales_stays_as_it_is(parameter: str) -> None:
    values = np.arange(24.0).reshape(6, 4) if parameter == "embedding" else np.arange(24.0)
    row = weights(MODEL)[parameter]
    assert (to_hugging_face(row, values) == values).all()
    assert (from_hugging_face(row, values) == values).all()
