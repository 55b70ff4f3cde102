"""Generation with checkpoints whose output is known beforehand."""

import dataclasses
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat import builtin, template_files
from tanuki_jax.data.tokenizer.load import load
from tanuki_jax.inference.engine.job import Sampling
from tanuki_jax.inference.load_model import LoadedModel, load_model
from tanuki_jax.inference.text import continuations, jobs_for
from tests.inference.conftest import MakeParrot, Parrot


def generated(parrot: Parrot, *prompts: str, tokens: int = 30, stop: tuple[str, ...] = ()) -> list[str]:
    return continuations(load_model(parrot.checkpoint), prompts, Sampling(tokens=tokens, stop=stop))


def test_the_text_ends_with_the_document(make_parrot: MakeParrot) -> None:
    assert generated(make_parrot("fox", " に🦝!\n"), "fox") == [" に🦝!\n"]


def test_a_prompt_ends_where_an_answer_does(tokenizer: Path, make_parrot: MakeParrot) -> None:
    template_files.write(tokenizer, builtin.find("user_assistant"))
    try:
        loaded = load_model(make_parrot("fox", " に🦝").checkpoint)
    finally:
        (tokenizer / "tokenizer_config.json").unlink()
    assert loaded.end_ids == (loaded.tokenizer.eos, loaded.tokenizer.eod)
    answered = dataclasses.replace(loaded, end_ids=(*loaded.end_ids, loaded.tokenizer.encode("🦝")[-1]))
    assert continuations(answered, ["fox"], Sampling(tokens=30)) != continuations(loaded, ["fox"], Sampling(tokens=30))


def test_prompts_are_continued_together(make_parrot: MakeParrot) -> None:
    parrot = make_parrot("fox", " に🦝")
    assert generated(parrot, "The quick brown fox", "fox", "a fox") == [" に🦝"] * 3


def test_the_text_ends_before_a_stop_string(make_parrot: MakeParrot) -> None:
    parrot = make_parrot("fox", " に🦝!\n")
    assert generated(parrot, "fox", "a fox", stop=("🦝!", "?")) == [" に"] * 2
    assert generated(parrot, "fox", stop=("\n\n",)) == [" に🦝!\n"]


def test_an_incomplete_character_is_left_out(make_parrot: MakeParrot, tokenizer: Path) -> None:
    parrot = make_parrot("fox", "!🦝")
    assert len(load(tokenizer).encode("!🦝")) == 5, "the animal must be spelled in bytes"
    assert [generated(parrot, "fox", tokens=count)[0] for count in (2, 4, 5)] == ["!", "!", "!🦝"]


@pytest.mark.parametrize(
    ("prompt", "complaint"),
    [
        ("", "the prompt has no tokens"),
        (
            "fox " * 100,
            r"the prompt 'fox fox fox fox fox \.\.\.' has \d+ tokens, and the model is made for texts of 64",
        ),
    ],
)
def test_empty_and_long_prompts_are_refused(prompt: str, complaint: str, make_parrot: MakeParrot) -> None:
    with pytest.raises(InputError, match=complaint):
        generated(make_parrot("fox", "!"), "a fox", prompt)


def test_a_text_does_not_grow_beyond_the_sequence_length(make_parrot: MakeParrot, tokenizer: Path) -> None:
    parrot = make_parrot("fox", "!🦝\n")
    prompt = "fox"
    while len(load(tokenizer).encode(f"!{prompt}")) < 60:
        prompt = f"!{prompt}"
    space = 64 - len(load(tokenizer).encode(prompt))
    assert space == 5
    assert generated(parrot, prompt, "fox") == ["!🦝", "!🦝\n"]


def test_equal_prompts_are_sampled_differently_and_ignore_other_prompts(loaded: LoadedModel) -> None:
    def choices(prompts: list[list[int]]) -> list[int]:
        return [job.choice for job in jobs_for(loaded, prompts, Sampling())]

    found = choices([[1, 2], [3], [1, 2], [1, 2, 0]])
    assert len(set(found)) == 4
    assert choices([[3], [1, 2], [1, 2, 0], [1, 2]]) == [found[index] for index in (1, 0, 3, 2)]
