"""Checkpoints with further tokens: rows, ids, and what training, generation and exports make of them."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints import new_tokens
from tanuki_jax.checkpoints.format import ImportedIds, damage, read_state, rewrite
from tanuki_jax.checkpoints.restore import Parameters
from tanuki_jax.checkpoints.token_ids import token_ids
from tanuki_jax.checkpoints.tokenizer_copy import tokenizer_path
from tanuki_jax.config.lora import LoRA
from tanuki_jax.convert import main
from tanuki_jax.data.tokenizer.load import load
from tanuki_jax.inference.load_model import load_model
from tests.checkpoints.conftest import Adapt, MakeNative
from tests.checkpoints.test_merging import nothing

pytestmark = pytest.mark.thorough

CHATML = ("<|im_start|>", "<|im_end|>")


@pytest.mark.parametrize(
    ("before", "after", "dtype"), [(384, 512, "float32"), (400, 400, "bfloat16"), (385, 512, "float32")]
)
def test_new_rows_are_the_mean_of_the_rows_of_all_tokens(
    before: int, after: int, dtype: str, make_native: MakeNative, tokenizer: Path, tmp_path: Path
) -> None:
    native = make_native(vocabulary=before, tokenizer=str(tokenizer), dtype=dtype)
    written: list[int] = []
    model, ids = new_tokens.write(native.path, tmp_path / "out", CHATML, written.append)
    assert ids == {"<|im_start|>": 384, "<|im_end|>": 385}
    assert model == dataclasses.replace(native.model, vocabulary=after) == read_state(tmp_path / "out").model
    assert not damage(tmp_path / "out")
    grown = Parameters(tmp_path / "out")
    for name, rows in (("embedding", grown.read("embedding")), ("output", grown.read("output").T)):
        old = np.asarray(native.values[name] if name == "embedding" else native.values[name].T)
        mean = old[:384].astype(np.float64).mean(0).astype(rows.dtype)
        assert rows.shape == (after, 32) and rows.dtype == dtype
        np.testing.assert_array_equal(rows[:384], old[:384])
        np.testing.assert_array_equal(rows[386:before], old[386:])
        for new in (384, 385, *range(max(before, 386), after)):
            np.testing.assert_array_equal(rows[new], mean)
    np.testing.assert_array_equal(grown.read("blocks.q"), native.values["blocks"]["q"])
    assert sum(written) == sum(np.prod(shape) for shape in ((after, 32), (32, after))) + sum(
        leaf.size
        for name, part in native.values.items()
        if name not in ("embedding", "output")
        for leaf in ([part] if name == "norm" else part.values())
    )


def test_a_matrix_in_parts_has_the_same_rows(
    make_native: MakeNative, tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    native = make_native(vocabulary=385, tokenizer=str(tokenizer), tied=True)
    new_tokens.write(native.path, tmp_path / "once", CHATML, nothing)
    monkeypatch.setattr("tanuki_jax.checkpoints.stream.PART_BYTES", 100 * 32 * 4)
    monkeypatch.setattr(new_tokens, "_ROWS", 100)
    new_tokens.write(native.path, tmp_path / "in parts", CHATML, nothing)
    once, parts = (Parameters(tmp_path / name).read("embedding") for name in ("once", "in parts"))
    np.testing.assert_allclose(once, parts, rtol=1e-6)


def test_the_command_says_how_to_train_and_what_it_wrote_generates(
    make_native: MakeNative, tokenizer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    native, out = make_native(vocabulary=384, tokenizer=str(tokenizer)), tmp_path / "out"
    main(["add-tokens", str(native.path), str(out), "--tokens", *CHATML, "--chat-template", "chatml"])
    assert capsys.readouterr().out.splitlines() == [
        f"{out}: the parameters of {native.path} with the tokens <|im_start|> 384, <|im_end|> 385",
        "model.vocabulary grew from 384 to 512",
        f"prepare and train with --start.checkpoint={out} --data.tokenizer.path={out}/tokenizer "
        "--data.tokenizer.chat-template= --data.stores=NEW_FOLDER --model.vocabulary=512",
    ]
    loaded = load_model(out)
    assert loaded.end_ids[0] == 385 and loaded.tokenizer.vocabulary == 386
    main(["to-hf", str(out), str(tmp_path / "theirs")])
    config = json.loads((tmp_path / "theirs" / "config.json").read_text())
    assert config["vocab_size"] == 512 and config["eos_token_id"][0] == 385
    assert load(tmp_path / "theirs").special["<|im_end|>"] == 385
    main(["add-tokens", str(out), str(tmp_path / "again"), "--tokens", "<|think|>"])
    said = capsys.readouterr().out.splitlines()
    assert said[-2] == "model.vocabulary stays 512: there were rows without a token"
    assert f" --data.tokenizer.path={tmp_path / 'again'}/tokenizer --data.tokenizer.chat-template= " in said[-1]


def test_ids_that_came_with_the_weights_stay(make_native: MakeNative, tokenizer: Path, tmp_path: Path) -> None:
    native = make_native(tokenizer=str(tokenizer))
    ids = ImportedIds(bos=(1,), eos=(7,), tokenizer=load(tokenizer).fingerprint)
    rewrite(native.path, dataclasses.replace(read_state(native.path), ids=ids))
    new_tokens.write(native.path, tmp_path / "out", CHATML, nothing)
    state = read_state(tmp_path / "out")
    assert 7 in token_ids(state, tokenizer_path(tmp_path / "out", state)).ends


def test_what_cannot_grow_is_refused(make_native: MakeNative, adapt: Adapt, tokenizer: Path, tmp_path: Path) -> None:
    def refusal(checkpoint: Path, *tokens: str, template: str = "") -> str:
        with pytest.raises(InputError) as raised:
            new_tokens.write(checkpoint, tmp_path / "out", tokens, nothing, template)
        assert not (tmp_path / "out").exists() and "\n" not in str(raised.value)
        return str(raised.value)

    native = make_native(tokenizer=str(tokenizer))
    assert "has adapters, whose base would have to grow with them; write it with `convert merge` first" in refusal(
        adapt(native, "tuned", LoRA(rank=2, projections=("q",))), "<a>"
    )
    assert "has no tokenizer" in refusal(make_native("bare").path, "<a>")
    assert "--tokens has '<s>', which is token 1 of" in refusal(native.path, "<s>")
    assert "--tokens has '';" in refusal(native.path, "")
    assert "ends an answer with '<|im_end|>\\n', which is no token of this tokenizer" in refusal(
        native.path, "<|im_start|>", template="chatml"
    )
