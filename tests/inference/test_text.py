"""Text from checkpoints whose words are known beforehand."""

import dataclasses
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.data.tokenizer.load import load
from tanuki_jax.inference.text import Completion, Request, continuations, load_model, numbers, stream, whole
from tests.inference.conftest import MakeParrot, Parrot


def said(parrot: Parrot, *prompts: str, tokens: int = 30, stop: tuple[str, ...] = ()) -> list[str]:
    return continuations(load_model(parrot.checkpoint), prompts, Request(tokens=tokens, stop=stop))


def test_the_text_ends_where_the_document_does(make_parrot: MakeParrot) -> None:
    assert said(make_parrot("fox", " に🦝!\n"), "fox") == [" に🦝!\n"]


def test_prompts_are_one_batch(make_parrot: MakeParrot) -> None:
    parrot = make_parrot("fox", " に🦝")
    assert said(parrot, "The quick brown fox", "fox", "a fox") == [" に🦝"] * 3


def test_the_text_ends_before_a_stop_string(make_parrot: MakeParrot) -> None:
    parrot = make_parrot("fox", " に🦝!\n")
    assert said(parrot, "fox", "a fox", stop=("🦝!", "?")) == [" に"] * 2
    assert said(parrot, "fox", stop=("\n\n",)) == [" に🦝!\n"]


def test_a_character_of_which_bytes_are_missing_is_left_out(make_parrot: MakeParrot, tokenizer: Path) -> None:
    parrot = make_parrot("fox", "!🦝")
    assert len(load(tokenizer).encode("!🦝")) == 5, "the animal has to be spelled in bytes"
    assert [said(parrot, "fox", tokens=count)[0] for count in (2, 4, 5)] == ["!", "!", "!🦝"]


@pytest.mark.parametrize(
    ("prompt", "complaint"),
    [
        ("", "a prompt has no tokens"),
        ("fox " * 100, r"the prompt 'fox fox fox fox fox \.\.\.' has \d+ tokens; the model is made for texts of 64"),
    ],
)
def test_prompts_that_cannot_be_continued_are_named(prompt: str, complaint: str, make_parrot: MakeParrot) -> None:
    with pytest.raises(InputError, match=complaint):
        said(make_parrot("fox", "!"), "a fox", prompt)


def test_a_text_does_not_grow_beyond_the_sequence_length(make_parrot: MakeParrot, tokenizer: Path) -> None:
    parrot = make_parrot("fox", "!🦝\n")
    prompt = "fox"
    while len(load(tokenizer).encode(f"!{prompt}")) < 60:
        prompt = f"!{prompt}"
    room = 64 - len(load(tokenizer).encode(prompt))
    assert room == 5
    assert said(parrot, prompt, "fox") == ["!🦝", "!🦝\n"]


def test_a_larger_tokenizer_is_not_the_models(
    make_parrot: MakeParrot, tokenizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parrot = make_parrot("fox", "!")
    larger = load(tokenizer)
    larger.vocabulary = 401
    monkeypatch.setattr("tanuki_jax.inference.text.load", lambda path: larger)
    with pytest.raises(InputError, match="has 401 pieces, more than the 400 of the model"):
        said(parrot, "fox")


def test_pieces_tell_once_why_a_text_ends(make_parrot: MakeParrot) -> None:
    loaded = load_model(make_parrot("fox", " に🦝!\n").checkpoint)
    prompts = [loaded.tokenizer.encode(text) for text in ("fox", "( " * 27 + "fox")]
    assert len(prompts[1]) == 57, "the model has no room for all of it"
    request = Request(tokens=30)
    pieces = [*stream(loaded, prompts, [loaded.tokenizer.eod], request, chunk=5)]
    assert [[piece.finish_reason for piece in row] for row in zip(*pieces, strict=True)] == [
        [None, "eos_token"],
        [None, "length"],
    ]
    assert whole(iter(pieces)) == [Completion(" に🦝!\n", 8, "eos_token"), Completion(" に🦝!", 7, "length")]
    [early, late] = whole(
        stream(loaded, prompts[:1] * 2, [loaded.tokenizer.eod], dataclasses.replace(request, stop=("🦝",)))
    )
    assert early == late and early.text == " に" and early.finish_reason == "stop_sequence"
    assert whole(stream(loaded, prompts[:1], [loaded.tokenizer.eod], Request(tokens=7))) == [
        Completion(" に🦝!", 7, "length")
    ]


def test_equal_prompts_have_different_numbers_wherever_they_stand() -> None:
    found = numbers([[1, 2], [3], [1, 2], [1, 2, 0]])
    assert len(set(found)) == 4
    assert numbers([[3], [1, 2], [1, 2, 0], [1, 2]]) == [found[1], found[0], found[3], found[2]]
