"""Chats with tools, calls, results and reasoning: ids and masks are those of transformers."""

import random
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.corpus.chat import template_files
from tanuki_jax.corpus.chat.builtin import find
from tanuki_jax.corpus.records.fields import record_of
from tanuki_jax.corpus.records.types import Conversation
from tanuki_jax.data.tokenizer.chat_tokens import encode_chat
from tanuki_jax.data.tokenizer.load import load
from tests.data.tokenizer.byte_level import train_byte_level

pytestmark = pytest.mark.parity
THINKING = Path(__file__).with_name("thinking.jinja")
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": '天気を調べる <b>"now"</b>',
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
    },
}
BARE = {"name": "add", "parameters": {"type": "object", "properties": {"a": {"type": "number"}}}}


def row_of(seed: int, reasoning: bool) -> dict[str, object]:
    """Return a row of one to three questions, each answered directly or after one or two rounds of calls."""
    rng = random.Random(seed)

    def call() -> dict[str, object]:
        arguments: Any = rng.choice([{"city": "京都", "days": rng.randrange(9)}, {"text": 'a "b"\n\\c'}, {}])
        function = {"name": rng.choice(["weather", "add"]), "arguments": rng.choice([arguments, '{"a": 3.5}'])}
        return rng.choice([function, {"id": f"c{seed}", "type": "function", "function": function}])

    def answer(**fields: object) -> dict[str, object]:
        thought = {"reasoning_content": "2と2で4。\n"} if reasoning and rng.random() < 0.5 else {}
        return {"role": "assistant", **thought, **fields}

    messages: list[dict[str, object]] = []
    if rng.random() < 0.5:
        messages.append({"role": "system", "content": "短く答える。"})
    for _ in range(rng.randint(1, 3)):
        messages.append(
            {"role": "user", "content": rng.choice(["京都の天気は？", "What is 3 + 4?", "<tool_call>とは？"])}
        )
        for _ in range(rng.choice([0, 1, 1, 2])):
            contents: list[dict[str, object]] = [{"content": None}, {"content": ""}, {"content": "調べます。"}, {}]
            calls = [call() for _ in range(rng.randint(1, 2))]
            messages.append(answer(**rng.choice(contents), tool_calls=calls))
            messages += [
                {"role": "tool", "name": "weather", "content": rng.choice(["晴", '{"t": 21.5}', ""])} for _ in calls
            ]
        messages.append(answer(content=rng.choice(["晴れです。", "7."])))
    return {"messages": messages} | ({"tools": [WEATHER, BARE]} if rng.random() < 0.8 else {})


@pytest.fixture(scope="module", params=["chatml", "llama3", "thinking"])
def folder(request: pytest.FixtureRequest, corpus: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    train_byte_level(folder, corpus, added=["<think>", "</think>", "<tool_call>", "</tool_call>"])
    template_files.write(folder, find(str(THINKING) if request.param == "thinking" else request.param))
    return folder


def test_ids_and_masks_are_those_of_transformers(folder: Path) -> None:
    import transformers

    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer, template = load(folder), template_files.read(folder)
    calls = 0
    for seed in range(20):
        row = row_of(seed, reasoning="reasoning_content" in template.source)
        expected = theirs.apply_chat_template(
            row["messages"],
            tools=row.get("tools"),
            tokenize=True,
            return_dict=True,
            return_assistant_tokens_mask=True,
        )
        record = record_of(row, "a:0", "text", "chat")
        assert isinstance(record, Conversation)
        ours = encode_chat(tokenizer, template, record.messages, tools=record.tools)
        assert ours.ids.tolist() == expected["input_ids"], theirs.decode(expected["input_ids"])
        assert ours.learned.astype(int).tolist() == expected["assistant_masks"]
        calls += sum(message.calls_tools for message in record.messages)
    assert calls >= 20
