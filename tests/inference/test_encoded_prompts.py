"""Prompts of files as ids."""

from pathlib import Path

import jax
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Layout
from tanuki_jax.config.model import Model
from tanuki_jax.corpus.chat import builtin, template_files
from tanuki_jax.corpus.records.types import Conversation, Document, Malformed, Message
from tanuki_jax.data.tokenizer.load import load
from tanuki_jax.inference.encoded_prompts import RejectedPrompt, encode_prompts
from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.inference.prompts import PromptRow
from tanuki_jax.lm.model.transformer import initialise
from tanuki_jax.lm.parallel.mesh import make_mesh

MODEL = Model(vocabulary=400, width=32, hidden=48, layers=1, heads=4, kv_heads=2, initial_std=0.3)


@pytest.fixture
def loaded(tokenizer: Path) -> LoadedModel:
    """Return a model of random weights for texts of 80 tokens."""
    parameters, backend = initialise(MODEL, jax.random.key(0)), load(tokenizer)
    mesh = make_mesh(Layout(), jax.devices()[:1])
    return LoadedModel(parameters, MODEL, backend, tokenizer, 80, (backend.eod,), mesh)


def prompt_rows(*texts: str) -> list[PromptRow]:
    return [PromptRow(f"a.txt:{number}", Document(str(number), text)) for number, text in enumerate(texts, 1)]


def test_malformed_and_long_prompts_are_rejected_with_a_reason(loaded: LoadedModel) -> None:
    malformed = PromptRow("a.txt:8", Malformed("not JSON"))
    long = PromptRow("a.txt:9", Document("9", "raccoon " * 60))
    prompts, rejected = encode_prompts(loaded, [malformed, long, *prompt_rows("fox")], "")
    assert [prompt.record.id for prompt in prompts] == ["1"]
    assert rejected[0] == RejectedPrompt("a.txt:8", "not JSON")
    assert rejected[1].location == "a.txt:9" and "the model is made for texts of 80" in rejected[1].reason


def test_the_template_renders_chats_with_the_system_message(loaded: LoadedModel, tokenizer: Path) -> None:
    user, system = Message("user", "狸"), Message("system", "own")
    chats = [Conversation("1", (user,)), Conversation("2", (system, user))]
    rows = [*(PromptRow(chat.id, chat) for chat in chats), *prompt_rows("fox")]
    with pytest.raises(InputError, match="has no chat template"):
        encode_prompts(loaded, rows, "")
    template_files.write(tokenizer, builtin.find("user_assistant"))
    try:
        prompts, rejected = encode_prompts(loaded, rows, "short")
    finally:
        (tokenizer / "tokenizer_config.json").unlink()
    assert not rejected
    assert [loaded.tokenizer.decode(prompt.ids) for prompt in prompts] == [
        "short\nuser: 狸\nassistant:",
        "own\nuser: 狸\nassistant:",
        "fox",
    ]
    assert [prompt.answer_prefix for prompt in prompts] == [" ", " ", ""]
