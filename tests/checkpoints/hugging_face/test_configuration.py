"""`config.json` as we write, read and refuse it."""

import dataclasses
import json
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.hugging_face.configuration import read_configuration, to_config
from tanuki_jax.config.model import Model

LLAMA_3 = {
    "model_type": "llama",
    "vocab_size": 128256,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-05,
    "rope_theta": 500000.0,
    "rope_scaling": None,
    "hidden_act": "silu",
    "tie_word_embeddings": False,
    "initializer_range": 0.02,
}

LLAMA_3_SCALING = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}

MIXTRAL = {
    "model_type": "mixtral",
    "vocab_size": 32000,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
    "rms_norm_eps": 1e-05,
    "rope_theta": 1000000.0,
    "sliding_window": None,
    "hidden_act": "silu",
}


def read(folder: Path, config: Any) -> Model:
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    return read_configuration(folder).model


EXPERTS = st.fixed_dictionaries(
    {
        "experts": st.integers(3, 100),
        "experts_per_token": st.integers(1, 3),
        "router_logits": st.sampled_from(["plain", "standardized"]),
    }
)


@given(
    experts=st.just({}) | EXPERTS,
    model=st.builds(
        Model,
        vocabulary=st.integers(1, 10**6),
        width=st.just(96),
        hidden=st.integers(1, 10**5),
        layers=st.integers(1, 100),
        heads=st.sampled_from([8, 16, 48]),
        kv_heads=st.sampled_from([1, 2, 8]),
        rope_theta=st.floats(1, 1e7),
        norm_epsilon=st.floats(1e-8, 1e-3),
        tied=st.booleans(),
        initial_std=st.floats(1e-4, 1),
    ),
)
def test_a_model_survives(experts: dict[str, Any], model: Model, tmp_path_factory: pytest.TempPathFactory) -> None:
    model = dataclasses.replace(model, **experts)
    assert read(tmp_path_factory.mktemp("model"), to_config(model, "float32", 2048)) == model


def test_the_longest_text_is_kept_and_2048_tokens_by_default(tmp_path: Path) -> None:
    model = read(tmp_path, LLAMA_3)
    assert read_configuration(tmp_path).positions == 2048
    read(tmp_path, to_config(model, "float32", 8192))
    assert read_configuration(tmp_path).positions == 8192
    with pytest.raises(InputError, match="max_position_embeddings 'many', which must be a whole number above 0"):
        read(tmp_path, LLAMA_3 | {"max_position_embeddings": "many"})


def test_the_older_form_is_read(tmp_path: Path) -> None:
    model = read(tmp_path, LLAMA_3)
    assert model == Model(
        vocabulary=128256, width=4096, hidden=14336, layers=32, heads=32, kv_heads=8, rope_theta=500_000.0
    )


def test_fields_without_effect_are_passed_over(tmp_path: Path) -> None:
    plain = {"rope_parameters": {"rope_type": "default", "attention_factor": None, "partial_rotary_factor": 1.0}}
    layers = {"layer_types": ["full_attention"] * 32}
    assert read(tmp_path, LLAMA_3 | plain | layers) == read(tmp_path, LLAMA_3)


def test_a_field_that_is_not_there_has_the_default_of_llama(tmp_path: Path) -> None:
    absent = (
        "num_key_value_heads",
        "rms_norm_eps",
        "rope_theta",
        "rope_scaling",
        "tie_word_embeddings",
        "initializer_range",
    )
    model = read(tmp_path, {name: value for name, value in LLAMA_3.items() if name not in absent})
    assert (model.kv_heads, model.norm_epsilon, model.rope_theta, model.tied, model.initial_std) == (
        32,
        1e-6,
        10_000.0,
        False,
        0.02,
    )


@pytest.mark.parametrize(("kind", "logits"), [("mixtral", "plain"), ("Tanuki", "standardized")])
def test_a_mixture_of_experts_is_read(kind: str, logits: Literal["plain", "standardized"], tmp_path: Path) -> None:
    model = Model(vocabulary=32000, width=4096, hidden=14336, layers=32, heads=32, kv_heads=8, rope_theta=1e6)
    experts = dataclasses.replace(model, experts=8, experts_per_token=2, router_logits=logits)
    assert read(tmp_path, MIXTRAL | {"model_type": kind}) == experts


def test_a_tanuki_has_head_dim_and_scaled_positions_as_a_mixtral_has(tmp_path: Path) -> None:
    config = MIXTRAL | {"head_dim": 64, "rope_theta": 5e5, "rope_scaling": LLAMA_3_SCALING}
    model, tanuki = read(tmp_path, config), read(tmp_path, config | {"model_type": "Tanuki"})
    assert tanuki == dataclasses.replace(model, router_logits="standardized")
    assert tanuki.head_dim == 64 and tanuki.rope_scaling.factor == 8
    assert to_config(tanuki, "float32", 2048)["model_type"] == "Tanuki"


def test_a_field_that_is_not_there_has_the_default_of_mixtral(tmp_path: Path) -> None:
    absent = ("num_key_value_heads", "rms_norm_eps", "rope_theta", "sliding_window")
    model = read(tmp_path, {name: value for name, value in MIXTRAL.items() if name not in absent})
    assert (model.kv_heads, model.norm_epsilon, model.rope_theta, model.tied, model.initial_std) == (
        8,
        1e-5,
        1e6,
        False,
        0.02,
    )
    assert read_configuration(tmp_path).positions == 131_072


def test_a_mixture_is_described_in_the_words_of_transformers() -> None:
    model = Model(vocabulary=400, width=32, hidden=56, layers=3, heads=4, kv_heads=2, experts=4, experts_per_token=3)
    plain = to_config(model, "float32", 2048)
    assert (plain["model_type"], plain["architectures"]) == ("mixtral", ["MixtralForCausalLM"])
    assert (plain["num_local_experts"], plain["num_experts_per_tok"], plain["sliding_window"]) == (4, 3, None)
    assert "auto_map" not in plain
    standardized = to_config(dataclasses.replace(model, router_logits="standardized"), "float32", 2048)
    named = {"architectures": ["TanukiForCausalLM"], "model_type": "Tanuki"}
    code = {"AutoConfig": "modeling_tanuki.TanukiConfig", "AutoModelForCausalLM": "modeling_tanuki.TanukiForCausalLM"}
    assert standardized == plain | named | {"auto_map": code}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"sliding_window": 4096}, "sliding_window 4096"),
        ({"num_experts_per_tok": 9}, r"num_local_experts 8, which must be at least 9 \(num_experts_per_tok is 9\)"),
        ({"num_experts_per_tok": 0}, "num_experts_per_tok 0, which must be a whole number above 0"),
        ({"num_local_experts": None}, "num_local_experts None, which must be"),
        ({"num_experts_per_tok": None}, "num_experts_per_tok None, which must be"),
        (
            {"model_type": "Tanuki", "num_local_experts": 1, "num_experts_per_tok": 1},
            "num_local_experts 1, which must be at least 2",
        ),
        ({"rms_norm_eps": None}, "rms_norm_eps None, which must be a number above 0"),
    ],
)
def test_experts_of_another_kind_are_refused(change: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=complaint) as refused:
        read(tmp_path, MIXTRAL | change)
    assert "config.json" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"model_type": "gpt2"}, "type 'gpt2'; models of type 'llama', 'mistral', 'mixtral', 'qwen3', 'Tanuki'"),
        ({"model_type": ["llama"]}, "models of type 'llama'"),
        ({"attention_bias": True}, "attention_bias True"),
        ({"mlp_bias": True}, "mlp_bias True"),
        ({"hidden_act": "gelu"}, "hidden_act 'gelu'"),
        ({"quantization_config": {"quant_method": "gptq"}}, "quantization_config"),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, "low_freq_factor None, which must be a number"),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}}, "rotary positions of type 'linear'"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 5e5}}, "rotary positions of type 'yarn'"),
        ({"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}}, "partial_rotary_factor"),
        ({"rope_parameters": 3}, "rope_parameters 3"),
        ({"rope_scaling": {"factor": 2.0}}, "rotary positions of type 'default'"),
        ({"rope_scaling": {"mrope_section": [16, 24, 24]}}, "mrope_section"),
        ({"rope_parameters": {"full_attention": {"rope_type": "default"}}}, "full_attention"),
        (
            {"rope_scaling": {"type": "linear", "rope_type": "default"}},
            "two values of rope_type for its rotary positions: 'linear' and 'default'",
        ),
        (
            {"rope_scaling": LLAMA_3_SCALING, "rope_parameters": LLAMA_3_SCALING | {"factor": 4.0}},
            r"two values of factor for its rotary positions: 8\.0 and 4\.0",
        ),
        ({"rope_scaling": LLAMA_3_SCALING | {"factor": 0.5}}, r"factor is 0\.5, and must be at least 1"),
        ({"rope_scaling": LLAMA_3_SCALING | {"low_freq_factor": 4.0}}, r"low_frequency_factor \(4\.0\) must be below"),
        ({"partial_rotary_factor": 0.5}, r"partial_rotary_factor 0\.5"),
        ({"tie_word_embeddings": "no"}, "tie_word_embeddings 'no', which must be true or false"),
        ({"head_dim": 65}, r"explicit_head_dim is 65, and must be even"),
        ({"rms_norm_eps": float("nan")}, "norm_epsilon is nan, and must be finite"),
        ({"rope_theta": 10**400}, "rope_theta a whole number of about 400 digits, which must be a number"),
        ({"initializer_range": float("inf")}, "initial_std is inf, and must be finite"),
        ({"rope_theta": 1e308}, r"rope_theta 1e\+308, which must be"),
        ({"num_hidden_layers": 10**30}, f"num_hidden_layers 1{'0' * 30}, which must be"),
        ({"rope_parameters": {"rope_theta": 1e4}}, r"two values of rope_theta for its .*: 500000\.0 and 10000\.0"),
        ({"rope_scaling": []}, r"rope_scaling \[\], which must be an object"),
        ({"rope_parameters": False}, "rope_parameters False, which must be an object"),
        ({"layer_types": ["full_attention"] * 31}, "layer_types .* all 32 are full_attention"),
        ({"layer_types": ["sliding_attention"] * 32}, "layer_types"),
        ({"num_attention_heads": 24}, r"model\.heads \(24\) must divide model\.width \(4096\)"),
        ({"num_key_value_heads": 5}, r"model\.kv_heads \(5\) must divide model\.heads \(32\)"),
        ({"num_hidden_layers": None}, "num_hidden_layers None, which must be a whole number above 0"),
        ({"hidden_size": "4096"}, "hidden_size '4096'"),
        ({"rms_norm_eps": 0}, "rms_norm_eps 0, which must be a number above 0"),
    ],
)
def test_another_arithmetic_is_refused(change: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=complaint) as refused:
        read(tmp_path, LLAMA_3 | change)
    assert "config.json" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "complaint"), [("{", "is not JSON"), ("[1]", "is not a JSON object"), ("\xff", "is not JSON")]
)
def test_what_is_no_configuration_is_refused(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=complaint):
        read(tmp_path, text)


def test_a_folder_without_a_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not a model folder of Hugging Face: it has no config\.json"):
        read_configuration(tmp_path)
