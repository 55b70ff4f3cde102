"""Families against transformers: logits within and beyond the original length, greedy text, and a round trip."""

import functools
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import transformers

from tanuki_jax.checkpoints.format import read_state
from tanuki_jax.checkpoints.hugging_face import export_model, import_model
from tanuki_jax.checkpoints.parameters import load
from tanuki_jax.config.experiment import Layout
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.transformer import Ops, hidden_states, output_matrix
from tanuki_jax.lm.model.weights import Params
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import with_shardings
from tests.inference.conftest import greedy
from tests.lm.model.test_transformer_parity import randomised

pytestmark = pytest.mark.parity

SIZES = {
    "vocab_size": 160,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
}
LLAMA3_SCALING = {
    "rope_type": "llama3",
    "rope_theta": 500_000.0,
    "factor": 32.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 128,
}

LLAMAS: dict[str, dict[str, Any]] = {
    "Llama 3.1": {"rope_parameters": LLAMA3_SCALING | {"factor": 8.0}},
    "Llama 3.2, tied": {"rope_parameters": LLAMA3_SCALING, "tie_word_embeddings": True, "head_dim": 8},
    "Llama with a stated head dim": {"head_dim": 16},
}


def cases() -> dict[str, Any]:
    """Return random models of transformers by name."""
    made = {
        name: transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES | more)) for name, more in LLAMAS.items()
    }
    for name, more in {"Qwen3": {"head_dim": 16}, "Qwen3, tied": {"head_dim": 8, "tie_word_embeddings": True}}.items():
        made[name] = transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**SIZES | more))
    made["Mistral"] = transformers.MistralForCausalLM(transformers.MistralConfig(**SIZES, sliding_window=24))
    return made


NAMES = [*LLAMAS, "Qwen3", "Qwen3, tied", "Mistral"]


@functools.cache
def theirs(name: str) -> Any:
    return randomised(cases()[name], NAMES.index(name), 0.1)


def ours(name: str, folder: Path) -> tuple[Model, Params]:
    """Import a model of transformers, on one device."""
    theirs(name).save_pretrained(folder / "theirs")
    import_model.write(folder / "theirs", folder / "ours", lambda count: None)
    model = read_state(folder / "ours").model
    mesh = make_mesh(Layout(data=1), jax.devices()[:1])
    return model, load(folder / "ours", "float32", functools.partial(with_shardings, mesh))


@pytest.mark.parametrize("name", NAMES)
def test_logits_equal_those_of_transformers_short_and_long(name: str, tmp_path: Path) -> None:
    """Within 1e-4, also at three times the length before the scaling of rotary positions, and beyond a window."""
    model, params = ours(name, tmp_path)

    @jax.jit
    def logits(params: Params, tokens: jax.Array) -> jax.Array:
        positions = jnp.broadcast_to(jnp.arange(tokens.shape[1]), tokens.shape)
        ids = jnp.ones_like(tokens)
        states, _ = hidden_states(params, tokens, ids, positions, model, Ops(), compute_dtype="float32")
        return states @ output_matrix(params)

    for length in (1, 37, 3 * 128):
        tokens = np.random.default_rng(length).integers(0, model.vocabulary, (2, length)).astype(np.int32)
        with torch.no_grad():
            expected = theirs(name)(torch.from_numpy(tokens).long()).logits.numpy()
        assert np.abs(expected).max() > 0.3
        np.testing.assert_allclose(logits(params, jnp.asarray(tokens)), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_the_way_there_and_back_changes_no_bit(name: str, tmp_path: Path) -> None:
    model, _ = ours(name, tmp_path)
    export_model.write(tmp_path / "ours", tmp_path / "back", "", lambda count: None)
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "back", dtype=torch.float32).eval()
    assert type(again) is type(theirs(name))
    before, after = theirs(name).state_dict(), again.state_dict()
    assert before.keys() == after.keys()
    for key, values in before.items():
        assert torch.equal(values, after[key]), key
    tokens = torch.arange(60)[None] % 160
    with torch.no_grad():
        assert torch.equal(theirs(name)(tokens).logits, again(tokens).logits)
    config = json.loads((tmp_path / "back" / "config.json").read_text())
    assert config["head_dim"] == model.head_dim


@pytest.mark.parametrize("name", ["Llama 3.2, tied", "Qwen3", "Mistral"])
def test_an_export_writes_the_same_64_greedy_tokens(name: str, tmp_path: Path) -> None:
    model, params = ours(name, tmp_path)
    export_model.write(tmp_path / "ours", tmp_path / "back", "", lambda count: None)
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "back", dtype=torch.float32).eval()
    prompts = np.random.default_rng(0).integers(0, model.vocabulary, (3, 7)).astype(np.int32)
    settings = transformers.GenerationConfig(max_new_tokens=64, do_sample=False, eos_token_id=None, pad_token_id=0)
    ids = torch.from_numpy(prompts).long()
    expected = again.generate(ids, attention_mask=torch.ones_like(ids), generation_config=settings).numpy()
    assert len(np.unique(expected[:, 7:])) > 10, "a text that repeats itself would prove little"
    assert greedy(params, model, prompts.tolist(), 64) == expected.tolist()
