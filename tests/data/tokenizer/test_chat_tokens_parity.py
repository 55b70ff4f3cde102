"""Compare ids and masks with those that TRL trains with: transformers' `return_assistant_tokens_mask`."""

from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.corpus.chat import template_files as chat_template
from tanuki_jax.corpus.chat.builtin import NAMES, find
from tanuki_jax.corpus.records.types import Message
from tanuki_jax.data.tokenizer.chat_tokens import encode_chat
from tanuki_jax.data.tokenizer.load import load
from tests.data.tokenizer.byte_level import train_byte_level

pytestmark = pytest.mark.parity

SYSTEM = Message("system", "短く答える。")
ONE = (Message("user", "山の狸は何をしている？"), Message("assistant", "昼寝をしている。"))
CODE = (
    Message("user", "  空白と\n\n改行を\tそのまま返す\n"),
    Message("assistant", "\n\ndef parse(text: str) -> int:\n    return 3_500\n\n"),
)
ENGLISH = (Message("user", "What is 3 + 4?"), Message("assistant", "3 + 4 is 7. \U0001f600 か\u3099"))
CONVERSATIONS = {
    "one exchange": ONE,
    "with a system message": (SYSTEM, *ONE),
    "several turns": (*ONE, *ENGLISH, *ONE),
    "several turns with a system message": (SYSTEM, *ENGLISH, *ONE, *ENGLISH),
    "white space": (*CODE, *ONE),
    "ends with the user": (*ONE, ENGLISH[0]),
    "an empty system message": (Message("system", ""), *ONE),
}


def transformers_tokenizer(folder: Path) -> Any:
    import transformers

    return transformers.AutoTokenizer.from_pretrained(folder)


def as_rows(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


@pytest.fixture(scope="module", params=NAMES)
def with_template(request: pytest.FixtureRequest, chat_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tokenizer with one of the templates, as `prepare` writes it."""
    folder = tmp_path_factory.mktemp("template")
    for file in chat_folder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    chat_template.write(folder, find(request.param))
    return folder


@pytest.mark.parametrize("messages", CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_ids_and_masks_are_those_of_transformers(with_template: Path, messages: tuple[Message, ...]) -> None:
    theirs = transformers_tokenizer(with_template).apply_chat_template(
        as_rows(messages), tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    ours = encode_chat(load(with_template), chat_template.read(with_template), messages)
    assert ours.ids.tolist() == theirs["input_ids"]
    assert ours.learned.astype(int).tolist() == theirs["assistant_masks"]


def test_prompts_are_those_of_transformers(with_template: Path) -> None:
    messages = (SYSTEM, *ENGLISH, *CODE, ONE[0])
    theirs = transformers_tokenizer(with_template).apply_chat_template(
        as_rows(messages), add_generation_prompt=True, return_dict=True
    )
    ours = encode_chat(load(with_template), chat_template.read(with_template), messages, prompt=True)
    assert ours.ids.tolist() == theirs["input_ids"]


def test_trl_trains_on_the_same_tokens(with_template: Path, tmp_path: Path) -> None:
    import datasets
    import torch
    import transformers
    import trl

    tokenizer = transformers_tokenizer(with_template)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_key_value_heads=1,
    )
    rows = [{"messages": as_rows(messages)} for messages in CONVERSATIONS.values()]
    trainer = trl.SFTTrainer(
        transformers.LlamaForCausalLM(config),
        args=trl.SFTConfig(
            str(tmp_path), assistant_only_loss=True, max_length=None, report_to=[], use_cpu=True, bf16=False
        ),
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    ours = [
        encode_chat(load(with_template), chat_template.read(with_template), messages)
        for messages in CONVERSATIONS.values()
    ]
    for encoded, row in zip(ours, trainer.train_dataset, strict=True):
        batch = trainer.data_collator([row])
        assert batch["input_ids"][0].tolist() == encoded.ids.tolist()
        assert torch.equal(batch["labels"][0] != -100, torch.from_numpy(encoded.learned))


def test_special_tokens_in_a_message_are_text_here_but_not_there(with_template: Path) -> None:
    messages = (Message("user", "狸"), Message("assistant", "終わり</s>続き"))
    tokenizer = load(with_template)
    theirs = transformers_tokenizer(with_template).apply_chat_template(as_rows(messages), return_dict=True)["input_ids"]
    ours = encode_chat(tokenizer, chat_template.read(with_template), messages)
    assert ours.ids.tolist().count(tokenizer.eos) + 1 == theirs.count(tokenizer.eos)
    assert "終わり</s>続き" in tokenizer.decode(ours.ids[ours.learned])


def test_transformers_finds_the_template_that_was_written(with_template: Path) -> None:
    assert transformers_tokenizer(with_template).chat_template == chat_template.read(with_template).source


@pytest.fixture(scope="module", params=NAMES)
def byte_level(request: pytest.FixtureRequest, corpus: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Byte-level BPE as Llama 3's and Qwen's, with a template."""
    folder = tmp_path_factory.mktemp("byte_level")
    train_byte_level(folder, corpus)
    chat_template.write(folder, find(request.param))
    return folder


@pytest.mark.parametrize(
    "messages", [pytest.param(chat, id=name) for name, chat in CONVERSATIONS.items() if name != "white space"]
)
def test_a_byte_level_tokenizer_agrees_too(byte_level: Path, messages: tuple[Message, ...]) -> None:
    theirs = transformers_tokenizer(byte_level).apply_chat_template(
        as_rows(messages), return_dict=True, return_assistant_tokens_mask=True
    )
    ours = encode_chat(load(byte_level), chat_template.read(byte_level), messages)
    assert (ours.ids.tolist(), ours.learned.astype(int).tolist()) == (theirs["input_ids"], theirs["assistant_masks"])


@pytest.mark.parametrize("byte_level", ["tanuki", "chatml"], indirect=True)
def test_a_token_across_the_end_of_the_prompt_is_cut_only_here(byte_level: Path) -> None:
    """Check that transformers begins the answer with a token that its prompt for generation does not end with."""
    theirs = transformers_tokenizer(byte_level)
    prompt = theirs.apply_chat_template(as_rows(CODE[:1]), add_generation_prompt=True, return_dict=True)["input_ids"]
    chat = theirs.apply_chat_template(as_rows(CODE), return_dict=True)["input_ids"]
    ours = encode_chat(load(byte_level), chat_template.read(byte_level), CODE)
    assert ours.ids[: len(prompt)].tolist() == prompt != chat[: len(prompt)]
    assert not ours.learned[: len(prompt)].any()
    assert ours.learned[len(prompt)]
    assert theirs.decode(ours.ids[len(prompt) :]).startswith(CODE[1].content)
