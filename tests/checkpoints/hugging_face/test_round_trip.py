"""There and back again, in both directions, without a bit lost."""

import ast
import filecmp
import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import damage, read_state
from tanuki_jax.checkpoints.hugging_face import export_model as to_hugging_face
from tanuki_jax.checkpoints.hugging_face import import_model as from_hugging_face
from tanuki_jax.checkpoints.restore import restore
from tanuki_jax.convert import main
from tanuki_jax.data.tokenizer.load import load
from tanuki_jax.lm.model.weights import Params, count_parameters, shapes
from tests.checkpoints.conftest import MakeNative


def nothing(done: int) -> None:
    pass


def restored(checkpoint: Path, dtype: str) -> Params:
    place = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    model = read_state(checkpoint).model
    wanted = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place), shapes(model, dtype)
    )
    base: Params = restore(checkpoint, base=wanted)["base"]
    return base


def assert_same_bits(found: Params, expected: Params) -> None:
    wanted = jax.tree_util.tree_leaves_with_path(expected)
    for (path, one), (expected_path, other) in zip(jax.tree_util.tree_leaves_with_path(found), wanted, strict=True):
        assert (path, one.dtype, one.shape) == (expected_path, other.dtype, other.shape)
        assert np.asarray(one).tobytes() == other.tobytes()


MIXTURE = {"experts": 3, "experts_per_token": 2}
STANDARDIZED = MIXTURE | {"router_logits": "standardized"}


@pytest.mark.parametrize(
    "fields",
    [{}, {"kv_heads": 4, "tied": True, "rope_theta": 500_000.0}, MIXTURE, STANDARDIZED | {"tied": True}],
    ids=["grouped, untied", "plain, tied", "Mixtral, untied", "Tanuki, tied"],
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("shard_bytes", [10**9, 20_000], ids=["one file", "many files"])
def test_native_to_hugging_face_to_native(
    fields: dict[str, Any], dtype: str, shard_bytes: int, make_native: MakeNative, tmp_path: Path
) -> None:
    native = make_native(dtype=dtype, **fields)
    written = to_hugging_face.write(native.path, tmp_path / "theirs", "", nothing, shard_bytes)
    assert (written.dtype, written.files > 1) == (dtype, shard_bytes < 10**9)
    from_hugging_face.write(tmp_path / "theirs", tmp_path / "back", nothing)
    assert damage(tmp_path / "back") == ""
    state = read_state(tmp_path / "back")
    assert (state.model, state.sequence_length) == (native.model, 128)
    assert_same_bits(restored(tmp_path / "back", dtype), native.values)


def hugging_face_folder(
    folder: Path, dtype: Any = np.float32, kind: str = "llama", **config: Any
) -> dict[str, npt.NDArray[Any]]:
    """Return a Llama, or a mixture of 3 experts, as others write it."""
    random = np.random.default_rng(3)
    swiglu = {"mlp.gate_proj": (24, 16), "mlp.up_proj": (24, 16), "mlp.down_proj": (16, 24)}
    if kind != "llama":
        parts = {"w1": (24, 16), "w3": (24, 16), "w2": (16, 24)}
        experts = {
            f"block_sparse_moe.experts.{expert}.{name}": shape for expert in range(3) for name, shape in parts.items()
        }
        swiglu = {"block_sparse_moe.gate": (3, 16), **experts}
        config = {"num_local_experts": 3, "num_experts_per_tok": 2} | config
    shapes = {"model.embed_tokens": (50, 16), "model.norm": (16,), "lm_head": (50, 16)}
    for layer in range(2):
        for name, shape in {
            "input_layernorm": (16,),
            "post_attention_layernorm": (16,),
            **{
                "self_attn.q_proj": (16, 16),
                "self_attn.k_proj": (8, 16),
                "self_attn.v_proj": (8, 16),
                "self_attn.o_proj": (16, 16),
            },
            **swiglu,
        }.items():
            shapes[f"model.layers.{layer}.{name}"] = shape
    tensors = {f"{name}.weight": random.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}
    fields = {
        "vocab_size": 50,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": kind, **fields, "num_key_value_heads": 2, **config}))
    save_file(tensors, folder / "model.safetensors")
    return tensors


@pytest.mark.parametrize(
    ("dtype", "shard_bytes"),
    [(np.float32, 3_000), (ml_dtypes.bfloat16, 10**9)],
    ids=["float32, many files", "bfloat16, one file"],
)
@pytest.mark.parametrize("kind", ["llama", "mixtral", "Tanuki"])
def test_hugging_face_to_native_to_hugging_face(kind: str, dtype: Any, shard_bytes: int, tmp_path: Path) -> None:
    tensors = hugging_face_folder(tmp_path / "theirs", dtype, kind)
    from_hugging_face.write(tmp_path / "theirs", tmp_path / "native", nothing)
    written = to_hugging_face.write(tmp_path / "native", tmp_path / "back", "", nothing, shard_bytes)
    assert json.loads((tmp_path / "back" / "config.json").read_text())["model_type"] == kind
    files = sorted((tmp_path / "back").glob("*.safetensors"))
    assert (len(files), len(files) > 3) == (written.files, shard_bytes < 10**9)
    back: dict[str, npt.NDArray[Any]] = {}
    for path in files:
        with safe_open(path, framework="numpy") as file:
            back |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no mapping
    assert set(back) == set(tensors)
    for name, tensor in tensors.items():
        assert back[name].dtype == dtype
        assert back[name].tobytes() == tensor.tobytes()


@pytest.mark.parametrize(
    ("fields", "code"), [({}, False), (MIXTURE, False), (STANDARDIZED, True)], ids=["Llama", "Mixtral", "Tanuki"]
)
def test_what_transformers_does_not_know_comes_with_its_code_and_a_warning(
    fields: dict[str, Any], code: bool, make_native: MakeNative, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    native = make_native(**fields)
    main(["to-hf", str(native.path), str(tmp_path / "theirs")])
    warning = capsys.readouterr().err
    assert ("plain Mixtral runtimes, such as GGUF tools, do not standardize router logits" in warning) == code
    assert warning.count("\n") == code
    config = json.loads((tmp_path / "theirs" / "config.json").read_text())
    assert ((tmp_path / "theirs" / "modeling_tanuki.py").is_file(), "auto_map" in config) == (code, code)
    if code:
        classes = {
            node.name
            for node in ast.walk(ast.parse((tmp_path / "theirs" / "modeling_tanuki.py").read_text()))
            if isinstance(node, ast.ClassDef)
        }
        assert {f"modeling_tanuki.{name}" for name in classes} >= set(config["auto_map"].values())


def test_one_expert_is_read_at_a_time(make_native: MakeNative, tmp_path: Path) -> None:
    native = make_native(vocabulary=8, **MIXTURE)
    sizes: list[int] = []
    to_hugging_face.write(native.path, tmp_path / "theirs", "", sizes.append)
    from_hugging_face.write(tmp_path / "theirs", tmp_path / "back", sizes.append)
    assert max(sizes) == native.model.width * native.model.hidden
    assert sum(sizes) == 2 * count_parameters(native.model)


def test_float16_becomes_float32(tmp_path: Path) -> None:
    tensors = hugging_face_folder(tmp_path / "theirs", np.float16)
    from_hugging_face.write(tmp_path / "theirs", tmp_path / "native", nothing)
    to_hugging_face.write(tmp_path / "native", tmp_path / "back", "", nothing)
    back = load_file(tmp_path / "back" / "model.safetensors")
    assert all(
        (back[name] == tensor.astype(np.float32)).all() and back[name].dtype == np.float32
        for name, tensor in tensors.items()
    )


def test_bfloat16_is_rounded_to_the_nearest(make_native: MakeNative, tmp_path: Path) -> None:
    native = make_native()
    to_hugging_face.write(native.path, tmp_path / "theirs", "bfloat16", nothing)
    from_hugging_face.write(tmp_path / "theirs", tmp_path / "back", nothing)
    rounded = jax.tree.map(
        lambda x: np.asarray(jax.lax.reduce_precision(x, 8, 7)).astype(ml_dtypes.bfloat16), native.values
    )
    assert_same_bits(restored(tmp_path / "back", "bfloat16"), rounded)


@pytest.mark.parametrize("form", ["folder", "tokenizer.model", "tokenizer.json"])
def test_the_tokenizer_comes_along(form: str, make_native: MakeNative, tokenizer: Path, tmp_path: Path) -> None:
    source = tokenizer if form == "folder" else tokenizer / form
    native = make_native(tokenizer=str(source))
    assert to_hugging_face.write(native.path, tmp_path / "theirs", "", nothing).tokenizer
    config, generation = (
        json.loads((tmp_path / "theirs" / name).read_text()) for name in ("config.json", "generation_config.json")
    )
    assert config["eos_token_id"] == generation["eos_token_id"] == load(source).eod
    assert config["bos_token_id"] == generation["bos_token_id"] == load(source).bos
    assert config["pad_token_id"] == generation["pad_token_id"] == load(source).pad
    assert filecmp.cmp(tmp_path / "theirs" / "tokenizer.json", tokenizer / "tokenizer.json", shallow=False)
    from_hugging_face.write(tmp_path / "theirs", tmp_path / "back", nothing)
    state = read_state(tmp_path / "back")
    assert load(tmp_path / "back" / state.tokenizer).fingerprint == load(source).fingerprint
    assert f"{state.tokenizer}/tokenizer.json" in state.files


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"lm_head.weight": None}, r"theirs lacks the tensor lm_head\.weight"),
        ({"model.layers.1.mlp.up_proj.weight": np.zeros((16, 24), np.float32)}, r"of shape \(16, 24\), .* \(24, 16\)"),
        ({"model.norm.weight": np.zeros(16, np.int8)}, "of type I8; F32, BF16, F16 can be converted"),
        ({"model.norm.weight": np.full(16, np.nan, np.float32)}, r"NaN or infinity in model\.norm\.weight"),
        (
            {"model.layers.0.self_attn.q_proj.bias": np.zeros(16, np.float32)},
            r"the tensor model\.layers\.0\.self_attn\.q_proj\.bias, which",
        ),
    ],
    ids=["missing", "transposed", "quantised", "not finite", "bias"],
)
def test_other_tensors_are_refused(change: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    tensors = hugging_face_folder(tmp_path / "theirs") | change
    save_file(
        {name: tensor for name, tensor in tensors.items() if tensor is not None},
        tmp_path / "theirs" / "model.safetensors",
    )
    with pytest.raises(InputError, match=complaint):
        from_hugging_face.write(tmp_path / "theirs", tmp_path / "native", nothing)
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]


@pytest.mark.parametrize(
    ("change", "config", "complaint"),
    [
        ({"2.w1": None}, {}, r"lacks the tensor model\.layers\.1\.block_sparse_moe\.experts\.2\.w1\.weight"),
        ({"2.w2": np.zeros((24, 16), np.float32)}, {}, r"experts\.2\.w2\.weight of shape \(24, 16\), .* \(16, 24\)"),
        ({"3.w1": np.zeros((24, 16), np.float32)}, {}, r"the tensor .*experts\.3\.w1\.weight, which a model"),
        ({}, {"num_local_experts": 4}, r"gate\.weight of shape \(3, 16\), .* \(4, 16\)"),
    ],
    ids=["missing", "transposed", "one too many", "another number"],
)
def test_other_experts_are_refused(
    change: dict[str, Any], config: dict[str, Any], complaint: str, tmp_path: Path
) -> None:
    experts = {f"model.layers.1.block_sparse_moe.experts.{name}.weight": tensor for name, tensor in change.items()}
    tensors = hugging_face_folder(tmp_path / "theirs", kind="mixtral", **config) | experts
    save_file(
        {name: tensor for name, tensor in tensors.items() if tensor is not None},
        tmp_path / "theirs" / "model.safetensors",
    )
    with pytest.raises(InputError, match=complaint):
        from_hugging_face.write(tmp_path / "theirs", tmp_path / "native", nothing)
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]


IDS = {"bos_token_id": 0, "eos_token_id": [1, 9], "pad_token_id": 5}


@pytest.mark.parametrize(
    ("config", "generation", "expected"),
    [
        (IDS, None, IDS),
        (IDS, {"eos_token_id": 7}, IDS | {"eos_token_id": 7}),
        ({}, IDS, IDS),
        ({"pad_token_id": -1}, None, {"bos_token_id": None, "eos_token_id": None, "pad_token_id": -1}),
    ],
)
def test_ids_of_special_tokens_come_back_as_they_came(
    config: dict[str, Any], generation: dict[str, Any] | None, expected: dict[str, Any], tmp_path: Path
) -> None:
    hugging_face_folder(tmp_path / "theirs", **config)
    if generation is not None:
        (tmp_path / "theirs" / "generation_config.json").write_text(json.dumps(generation))
    from_hugging_face.write(tmp_path / "theirs", tmp_path / "native", nothing)
    to_hugging_face.write(tmp_path / "native", tmp_path / "again", "", nothing)
    for name in ("config.json", "generation_config.json"):
        fields = json.loads((tmp_path / "again" / name).read_text())
        assert {field: fields[field] for field in IDS} == expected


def test_ids_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    hugging_face_folder(tmp_path / "theirs", eos_token_id=["</s>"])
    with pytest.raises(InputError, match=r"config\.json has eos_token_id \['</s>'\], which must be an id or a list"):
        from_hugging_face.write(tmp_path / "theirs", tmp_path / "native", nothing)


def test_what_transformers_computes_itself_is_passed_over(tmp_path: Path) -> None:
    """Old files hold the frequencies of the rotary embedding, and some tied models their head."""
    tensors = hugging_face_folder(tmp_path / "theirs", tie_word_embeddings=True)
    extra = {"model.layers.0.self_attn.rotary_emb.inv_freq": np.ones(2, np.float32)}
    extra["lm_head.weight"] = tensors["model.embed_tokens.weight"]
    save_file(tensors | extra, tmp_path / "theirs" / "model.safetensors")
    from_hugging_face.write(tmp_path / "theirs", tmp_path / "native", nothing)
    assert "output" not in restored(tmp_path / "native", "float32")


@pytest.mark.parametrize("cut", [slice(None), slice(1, None)])
def test_a_head_that_is_not_the_embedding_is_refused_in_a_tied_model(cut: slice, tmp_path: Path) -> None:
    tensors = hugging_face_folder(tmp_path / "theirs", tie_word_embeddings=True)
    tensors["lm_head.weight"] = (tensors["model.embed_tokens.weight"] * 1.5)[cut]
    save_file(tensors, tmp_path / "theirs" / "model.safetensors")
    with pytest.raises(InputError, match=r"the tensor lm_head\.weight, which is not the embedding"):
        from_hugging_face.write(tmp_path / "theirs", tmp_path / "native", nothing)
    assert not (tmp_path / "native").exists()


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file of this process may grow beyond 3 MB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_cannot_be_written_leaves_nothing(
    make_native: MakeNative, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    native = make_native(vocabulary=40_000)
    to_hugging_face.write(native.path, tmp_path / "theirs", "", nothing)
    request.getfixturevalue("small_files")
    with pytest.raises(OSError, match="File too large"):
        to_hugging_face.write(native.path, tmp_path / "again", "", nothing)
    with pytest.raises(ValueError, match="File too large"):
        from_hugging_face.write(tmp_path / "theirs", tmp_path / "back", nothing)
    assert {path.name for path in tmp_path.iterdir()} == {"native", "theirs"}


@pytest.mark.long
def test_two_layers_of_8b_with_its_vocabulary_fit_in_4_gib(tmp_path: Path) -> None:
    """Another layer would only lie on disk: no more than one is held at a time. 7 GB are written."""
    program = """
import resource, sys
from pathlib import Path
import jax
import numpy as np
from tanuki_jax.config.model import Model
from tanuki_jax.convert import main
from tanuki_jax.lm.model.weights import shapes
from tests.checkpoints.weights import write_weights

native, theirs, back = sys.argv[1:]
model = Model(vocabulary=65_024, width=4096, hidden=14_336, layers=2, heads=32, kv_heads=8)
halves = jax.tree.map(lambda leaf: np.broadcast_to(np.float32(0.5), leaf.shape), shapes(model))
write_weights(Path(native), model, halves, sequence_length=2048)
main(["to-hf", native, theirs])
main(["from-hf", theirs, back])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    folders = [str(tmp_path / name) for name in ("native", "theirs", "back")]
    done = subprocess.run([sys.executable, "-c", program, *folders], capture_output=True, text=True, check=True)
    for folder in folders:
        shutil.rmtree(folder)
    kibibytes = int(done.stdout.split()[-1]) / (1 if sys.platform == "linux" else 1024)
    assert kibibytes < 4 * 2**20
