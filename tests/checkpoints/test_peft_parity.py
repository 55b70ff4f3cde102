"""The exported adapter, as PEFT loads it onto the exported model."""

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from tanuki_jax.checkpoints import merging as adapters
from tanuki_jax.checkpoints import peft
from tanuki_jax.checkpoints.hugging_face import export_model as to_hugging_face
from tanuki_jax.checkpoints.hugging_face import import_model as from_hugging_face
from tanuki_jax.config.lora import LoRA
from tests.checkpoints.conftest import Adapt, MakeNative
from tests.checkpoints.test_merging import nothing

pytestmark = pytest.mark.parity


OUTSIDE = LoRA(rank=4, alpha=2.0, projections=("q", "down", "embedding", "output"))


@pytest.mark.parametrize(
    "of",
    [LoRA(rank=4, alpha=2.0), LoRA(rank=4, alpha=2.0, dora=True), OUTSIDE],
    ids=["LoRA", "DoRA", "embedding, output"],
)
def test_peft_gives_the_logits_and_the_greedy_text_of_the_merged_model(
    of: LoRA, make_native: MakeNative, adapt: Adapt, tmp_path: Path
) -> None:
    from peft import PeftModel

    base = make_native(initial_std=0.3)
    tuned = adapt(base, "tuned", of)
    to_hugging_face.write(base.path, tmp_path / "base", "", nothing)
    to_hugging_face.write(tuned, tmp_path / "merged", "", nothing)
    peft.write(tuned, tmp_path / "adapter", "")
    merged = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "merged").eval()
    theirs = PeftModel.from_pretrained(
        transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base"), tmp_path / "adapter"
    ).eval()
    tokens = torch.tensor([[5, 17, 300, 42]])
    with torch.no_grad():
        expected, found = theirs(tokens).logits.numpy(), merged(tokens).logits.numpy()
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
        assert (
            np.abs(
                transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base")(tokens).logits.numpy() - expected
            ).max()
            > 0.1
        )
        texts = [
            model.generate(tokens, max_new_tokens=64, do_sample=False, eos_token_id=-1)[0].tolist()
            for model in (theirs, merged)
        ]
    assert texts[0] == texts[1] and len(texts[0]) == 68


@pytest.mark.parametrize(
    ("dora", "modules"),
    [(True, ["q_proj", "down_proj"]), (False, ["q_proj", "embed_tokens", "lm_head"])],
    ids=["DoRA", "embedding, output"],
)
def test_an_adapter_that_peft_saved_is_read(
    dora: bool, modules: list[str], make_native: MakeNative, tmp_path: Path
) -> None:
    from peft import LoraConfig, get_peft_model

    base = make_native(initial_std=0.3)
    to_hugging_face.write(base.path, tmp_path / "base", "", nothing)
    model = get_peft_model(
        transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base"),
        LoraConfig(r=4, lora_alpha=8, use_dora=dora, target_modules=modules, init_lora_weights=False),
    )
    model.save_pretrained(tmp_path / "adapter")
    peft.read(tmp_path / "adapter", base.path, tmp_path / "ours", "default")
    adapters.merge(tmp_path / "ours", tmp_path / "merged", "", "float32", nothing)
    to_hugging_face.write(tmp_path / "merged", tmp_path / "theirs", "", nothing)
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "theirs").eval()
    tokens = torch.tensor([[5, 17, 300, 42]])
    with torch.no_grad():
        expected, found = model.eval()(tokens).logits.numpy(), again(tokens).logits.numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
    assert from_hugging_face.write(tmp_path / "theirs", tmp_path / "again", nothing).model == base.model
