"""Adapters against PEFT, on the same weights."""

from typing import Any

import jax
import numpy as np
import pytest

from tanuki_jax.config.lora import DENSE, LoRA
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model import lora
from tanuki_jax.lm.model.transformer import initialise
from tanuki_jax.lm.model.weights import ADAPTERS, weights
from tests.lm.model.test_lora import logits

pytestmark = pytest.mark.parity

MODEL = Model(vocabulary=64, width=32, hidden=48, layers=2, heads=4, kv_heads=2, initial_std=0.2)
ROWS = weights(MODEL)
NAMES = {name: f"self_attn.{name}_proj" for name in "qkvo"} | {
    name: f"mlp.{name}_proj" for name in ("gate", "up", "down")
}
OUTSIDE = {"embedding": "embed_tokens", "output": "lm_head"}


@pytest.mark.parametrize(
    "of",
    [
        LoRA(rank=4, alpha=10.0),
        LoRA(rank=4, alpha=10.0, rslora=True),
        LoRA(rank=4, alpha=10.0, dora=True),
        LoRA(rank=2, alpha=3.0, projections=("q", "v")),
        LoRA(rank=4, alpha=3.0, projections=("q", "embedding", "output")),
    ],
    ids=["LoRA", "rsLoRA", "DoRA", "two projections", "embedding, output"],
)
def test_the_logits_are_those_of_peft(of: LoRA) -> None:
    peft, torch, transformers = (pytest.importorskip(name) for name in ("peft", "torch", "transformers"))
    parameters = initialise(MODEL, jax.random.key(0))
    keys = iter(jax.random.split(jax.random.key(2), 99))
    fresh = lora.initialise(MODEL, parameters, of, jax.random.key(1))
    adapters = jax.tree.map(lambda array: array + 0.1 * jax.random.normal(next(keys), array.shape), fresh)

    theirs = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=64,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            rms_norm_eps=MODEL.norm_epsilon,
            rope_theta=MODEL.rope_theta,
            max_position_embeddings=64,
            tie_word_embeddings=False,
        )
    ).eval()
    copy_weights(torch, theirs, parameters)
    wrapped = peft.get_peft_model(
        theirs,
        peft.LoraConfig(
            r=of.rank,
            lora_alpha=of.alpha,
            use_rslora=of.rslora,
            use_dora=of.dora,
            target_modules=[(NAMES | OUTSIDE)[name].split(".")[-1] for name in of.projections],
        ),
    ).eval()
    copy_adapters(torch, wrapped, adapters, of)
    tokens = np.array(jax.random.randint(jax.random.key(3), (2, 12), 0, 64))
    with torch.no_grad():
        expected = wrapped(torch.tensor(tokens)).logits.numpy()
    found = logits({**parameters, ADAPTERS: lora.scaled(adapters, of)}, MODEL)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    assert np.abs(found - logits(parameters, MODEL)).max() > 0.1


def matrix(values: Any, inputs: int) -> np.ndarray:
    """Return [outputs, inputs] of one layer's array."""
    values = np.asarray(values)
    return values.reshape(int(np.prod(values.shape[:inputs])), -1).T


def copy_weights(torch: Any, theirs: Any, parameters: Any) -> None:
    state = {"model.embed_tokens.weight": parameters["embedding"], "model.norm.weight": parameters["norm"]}
    state["lm_head.weight"] = parameters["output"].T
    for layer in range(MODEL.layers):
        before, blocks = f"model.layers.{layer}.", parameters["blocks"]
        state[f"{before}input_layernorm.weight"] = blocks["attention_norm"][layer]
        state[f"{before}post_attention_layernorm.weight"] = blocks["mlp_norm"][layer]
        for name in DENSE:
            state[f"{before}{NAMES[name]}.weight"] = matrix(blocks[name][layer], ROWS[f"blocks.{name}"].inputs)
    theirs.load_state_dict({name: torch.tensor(np.array(values)) for name, values in state.items()}, strict=True)


def copy_adapters(torch: Any, wrapped: Any, adapters: Any, of: LoRA) -> None:
    state, names = {}, [name for name in of.projections if name not in OUTSIDE]
    if len(names) < len(of.projections):
        for part in "AB":
            embedding, output = (adapters[name][part.lower()].T for name in ("embedding", "output"))
            state[f"base_model.model.model.embed_tokens.lora_embedding_{part}.default"] = embedding
            state[f"base_model.model.lm_head.lora_{part}.default.weight"] = output
    for layer in range(MODEL.layers):
        for name in names:
            before = f"base_model.model.model.layers.{layer}.{NAMES[name]}."
            parts = adapters["blocks"][name]
            inputs = ROWS[f"blocks.{name}"].inputs
            state[f"{before}lora_A.default.weight"] = matrix(parts["a"][layer], inputs)
            state[f"{before}lora_B.default.weight"] = matrix(parts["b"][layer], 1)
            if of.dora:
                state[f"{before}lora_magnitude_vector.default.weight"] = np.asarray(parts["m"][layer]).reshape(-1)
    missing = wrapped.load_state_dict(
        {name: torch.tensor(np.array(values)) for name, values in state.items()}, strict=False
    )
    assert not missing.unexpected_keys and not [name for name in missing.missing_keys if "lora" in name]
