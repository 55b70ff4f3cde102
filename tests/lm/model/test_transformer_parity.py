"""Logits and greedy text, against transformers' LlamaForCausalLM with the same weights, carried over by `convert`."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest
import torch
import transformers

from tanuki_jax.checkpoints.format import read_state
from tanuki_jax.checkpoints.hugging_face import import_model as from_hugging_face
from tanuki_jax.checkpoints.restore import restore
from tanuki_jax.config.experiment import Layout
from tanuki_jax.config.model import Model
from tanuki_jax.lm.kernels.attention.attention import self_attention
from tanuki_jax.lm.model.transformer import Ops, hidden_states, output_matrix
from tanuki_jax.lm.model.weights import Params, shapes
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import activation_constraint, shardings
from tests.inference.conftest import greedy

pytestmark = pytest.mark.parity


def random_shape(seed: int, *, grouped: bool, tied: bool, theta: float) -> dict[str, Any]:
    """Fields of a configuration."""
    random = np.random.default_rng(seed)
    heads = int(random.choice([4, 8]))
    return dict(
        vocab_size=int(random.integers(64, 300)),
        hidden_size=heads * int(random.choice([4, 8, 16])),
        intermediate_size=int(random.integers(24, 150)),
        num_hidden_layers=int(random.integers(1, 5)),
        num_attention_heads=heads,
        num_key_value_heads=heads // 2 if grouped else heads,
        rms_norm_eps=float(random.choice([1e-5, 1e-6])),
        rope_parameters={"rope_type": "default", "rope_theta": theta},
        tie_word_embeddings=tied,
    )


def randomised(theirs: transformers.PreTrainedModel, seed: int, spread: float) -> transformers.PreTrainedModel:
    """With random weights of that standard deviation, norms included."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            parameter.normal_(1.0 if name.endswith("norm.weight") else 0.0, spread)
    return theirs.float().eval()


def random_llama(seed: int, spread: float, **shape: Any) -> transformers.LlamaForCausalLM:
    return randomised(
        transformers.LlamaForCausalLM(transformers.LlamaConfig(**random_shape(seed, **shape))), seed, spread
    )


def ours(theirs: transformers.PreTrainedModel, folder: Path, layout: Layout) -> tuple[Model, Params]:
    """Return the same weights, saved by transformers, converted, and restored on a mesh."""
    theirs.save_pretrained(folder / "theirs")
    from_hugging_face.write(folder / "theirs", folder / "ours", lambda done: None)
    model = read_state(folder / "ours").model
    mesh = make_mesh(layout, jax.devices()[: layout.data * layout.fsdp])
    wanted = jax.tree.map(
        lambda leaf, place: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place),
        shapes(model),
        shardings(mesh, model, shapes(model)),
    )
    return model, restore(folder / "ours", base=wanted)["base"]


def logits(params: Params, tokens: npt.NDArray[np.int32], model: Model, layout: Layout) -> jax.Array:
    mesh = make_mesh(layout, jax.devices()[: layout.data * layout.fsdp])
    positions = np.broadcast_to(np.arange(tokens.shape[1]), tokens.shape)

    def attend(
        q: jax.Array,
        k: jax.Array,
        v: jax.Array,
        segment_ids: jax.Array,
        positions: jax.Array,
        window: int | None = None,
    ) -> jax.Array:
        return self_attention(q, k, v, segment_ids, positions, window, backend=layout.attention)

    @jax.jit
    def compute(params: Params, tokens: jax.Array) -> jax.Array:
        states, _ = hidden_states(
            params,
            tokens,
            jnp.ones_like(tokens),
            jnp.asarray(positions),
            model,
            Ops(attend=attend, constrain=activation_constraint(mesh)),
            compute_dtype="float32",
        )
        return states @ output_matrix(params)

    return compute(params, jnp.asarray(tokens))


def assert_same_logits(
    theirs: transformers.PreTrainedModel, model: Model, params: Params, layout: Layout, seed: int
) -> None:
    """Within 1e-4, for texts of several lengths, one of them too long for one block of attention."""
    random = np.random.default_rng(seed)
    for length in (1, int(random.integers(1, 40)) * 2 + 1, 601):
        tokens = random.integers(0, model.vocabulary, (2, length)).astype(np.int32)
        with torch.no_grad():
            expected = theirs(torch.from_numpy(tokens).long()).logits.numpy()
        assert np.abs(expected).max() > 0.3
        np.testing.assert_allclose(logits(params, tokens, model, layout), expected, rtol=0, atol=1e-4)


def assert_same_greedy_text(theirs: transformers.PreTrainedModel, model: Model, params: Params) -> None:
    """Continue three prompts by 128 tokens."""
    prompts = np.random.default_rng(0).integers(0, model.vocabulary, (3, 7)).astype(np.int32)
    settings = transformers.GenerationConfig(max_new_tokens=128, do_sample=False, eos_token_id=None, pad_token_id=0)
    ids = torch.from_numpy(prompts).long()
    expected = theirs.generate(ids, attention_mask=torch.ones_like(ids), generation_config=settings).numpy()
    rows = greedy(params, model, prompts.tolist(), 128)
    assert len(np.unique(expected[:, 7:])) > 20, "a text that repeats itself would prove little"
    assert rows == expected.tolist()


@pytest.mark.parametrize(
    ("theta", "layout"),
    [(10_000.0, Layout(data=1)), (500_000.0, Layout(data=2, attention="reference"))],
    ids=["theta 10,000", "theta 500,000, two devices, plain attention"],
)
@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("grouped", [True, False], ids=["grouped", "plain"])
def test_logits_equal_those_of_transformers(
    grouped: bool, tied: bool, theta: float, layout: Layout, tmp_path: Path
) -> None:
    seed = 4 * grouped + 2 * tied + (layout.data > 1)
    llama = random_llama(seed, grouped=grouped, tied=tied, theta=theta, spread=0.1)
    model, params = ours(llama, tmp_path, layout)
    assert (model.kv_heads < model.heads, model.tied, model.rope_theta) == (grouped, tied, theta)
    assert_same_logits(llama, model, params, layout, seed)


@pytest.mark.parametrize("grouped", [True, False], ids=["grouped", "plain"])
def test_128_greedy_tokens_equal_those_of_transformers(grouped: bool, tmp_path: Path) -> None:
    llama = random_llama(5, grouped=grouped, tied=False, theta=10_000.0, spread=0.2)
    assert_same_greedy_text(llama, *ours(llama, tmp_path, Layout(data=1)))
