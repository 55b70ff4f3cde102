"""An exported model with new tokens, as transformers loads it."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import torch
import transformers

from tanuki_jax.checkpoints import new_tokens
from tanuki_jax.checkpoints.hugging_face import export_model as to_hugging_face
from tanuki_jax.corpus.chat.builtin import find
from tanuki_jax.corpus.records.types import Message
from tanuki_jax.data.tokenizer.chat_tokens import encode_chat
from tanuki_jax.inference.load_model import load_model
from tanuki_jax.lm.model.transformer import Ops, hidden_states, output_matrix
from tests.checkpoints.conftest import MakeNative
from tests.checkpoints.test_merging import nothing

pytestmark = pytest.mark.parity


def test_transformers_knows_the_tokens_and_computes_the_same(
    make_native: MakeNative, tokenizer: Path, tmp_path: Path
) -> None:
    native = make_native(vocabulary=384, tokenizer=str(tokenizer), initial_std=0.3)
    new_tokens.write(native.path, tmp_path / "out", ("<|im_start|>", "<|im_end|>"), nothing, "chatml")
    to_hugging_face.write(tmp_path / "out", tmp_path / "theirs", "", nothing)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "theirs")
    assert theirs.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"]) == [384, 385]
    loaded = load_model(tmp_path / "out")
    messages = (Message("user", "昔々、"), Message("assistant", "山に狸が"))
    ids = encode_chat(loaded.tokenizer, find("chatml"), messages).ids
    text = theirs.apply_chat_template(
        [{"role": message.role, "content": message.content} for message in messages], tokenize=False
    )
    assert theirs(text, add_special_tokens=False)["input_ids"] == ids.tolist()
    assert "im_start" not in theirs.decode(ids, skip_special_tokens=True)
    positions = jnp.arange(len(ids))[None]
    states, _ = hidden_states(
        loaded.parameters,
        jnp.asarray(ids)[None],
        jnp.ones_like(positions),
        positions,
        loaded.model,
        Ops(),
        compute_dtype="float32",
    )
    found = np.asarray(states @ output_matrix(loaded.parameters))
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "theirs").eval()
    with torch.no_grad():
        expected = model(torch.tensor(ids.tolist())[None]).logits.numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
