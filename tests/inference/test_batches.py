"""Completions of many prompts are those of each alone."""

import dataclasses
import random
from pathlib import Path

import jax
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.model import Model
from tanuki_jax.corpus.chat import builtin as named
from tanuki_jax.corpus.chat import template_files as folder
from tanuki_jax.corpus.records.types import Conversation, Document, Malformed, Message
from tanuki_jax.data.tokenizer.load import load
from tanuki_jax.inference.batches import Refused, Task, complete, tasks
from tanuki_jax.inference.decode import shape
from tanuki_jax.inference.prompts import Given
from tanuki_jax.inference.text import Completion, Loaded, Request, stream, whole
from tanuki_jax.lm.model.transformer import initialise

MODEL = Model(vocabulary=400, width=32, hidden=48, layers=1, heads=4, kv_heads=2, initial_std=0.3)
DRAWN = Request(tokens=7, temperature=1.0, top_k=50, seed=3)


@pytest.fixture
def loaded(tokenizer: Path) -> Loaded:
    """A model of random weights for texts of 80 tokens."""
    return Loaded(initialise(MODEL, jax.random.key(0)), MODEL, load(tokenizer), tokenizer, 80)


def given(*texts: str) -> list[Given]:
    return [Given(f"a.txt:{number}", Document(str(number), text)) for number, text in enumerate(texts, 1)]


def completed(loaded: Loaded, found: list[Task], request: Request, batch: int) -> list[Completion]:
    return complete(loaded, found, request, batch, lambda done: None)


def test_what_is_drawn_depends_on_neither_batches_nor_order(loaded: Loaded) -> None:
    texts = ["fox", "狸", "The quick", "fox", "raccoon " * 9, "昔々、", "dog", "fox", "(dog)", "34"]
    found, _ = tasks(loaded, given(*texts), DRAWN, "")
    assert len({shape(len(task.ids), DRAWN.tokens, loaded.limit) for task in found}) > 1
    expected = completed(loaded, found, DRAWN, 4)
    assert [whole(stream(loaded, [found[n].ids], found[n].ends, DRAWN)) for n in (0, 1)] == [
        [expected[n]] for n in (0, 1)
    ]
    assert len({expected[n].text for n in (0, 3, 7)}) == 3, "equal prompts are drawn for differently"
    order = random.Random(0).sample(range(10), 10)
    shuffled = completed(loaded, [found[place] for place in order], DRAWN, 4)
    assert sorted(zip((texts[place] for place in order), shuffled, strict=True)) == sorted(
        zip(texts, expected, strict=True)
    )
    assert completed(loaded, found, dataclasses.replace(DRAWN, seed=4), 4) != expected


def test_batches_hold_as_many_and_tell_when_they_are_done(loaded: Loaded) -> None:
    found, _ = tasks(loaded, given("fox", "狸", "dog", "raccoon " * 9, "34", "The"), DRAWN, "")
    told: list[int] = []
    complete(loaded, found, DRAWN, 4, lambda done: told.append(len(done)))
    assert told == [4, 1, 1]


def test_what_cannot_be_used_is_named(loaded: Loaded) -> None:
    long = Given("a.txt:9", Document("9", "raccoon " * 60))
    found, refused = tasks(loaded, [Given("a.txt:8", Malformed("not JSON")), long, *given("fox")], DRAWN, "")
    assert [task.record.id for task in found] == ["1"]
    assert refused[0] == Refused("a.txt:8", "not JSON")
    assert refused[1].place == "a.txt:9" and "the model is made for texts of 80" in refused[1].reason


def test_conversations_are_written_by_the_template_with_the_system_message(loaded: Loaded, tokenizer: Path) -> None:
    asked, own = Message("user", "狸"), Message("system", "own")
    chats = [Given("1", Conversation("1", (asked,))), Given("2", Conversation("2", (own, asked))), *given("fox")]
    with pytest.raises(InputError, match="has no chat template"):
        tasks(loaded, chats, DRAWN, "")
    folder.write(tokenizer, named.find("user_assistant"))
    try:
        found, refused = tasks(loaded, chats, DRAWN, "short")
    finally:
        (tokenizer / "tokenizer_config.json").unlink()
    assert not refused
    assert [loaded.tokenizer.decode(task.ids) for task in found] == [
        "short\nuser: 狸\nassistant:",
        "own\nuser: 狸\nassistant:",
        "fox",
    ]
    assert [task.opening for task in found] == [" ", " ", ""]
    assert found[0].ends == found[1].ends != found[2].ends == (loaded.tokenizer.eod,)
