"""Answers as chains get them."""

from tanuki_jax.client.answer_journal import Stored
from tanuki_jax.evaluation.answering import read_reply
from tanuki_jax.evaluation.benchmark import chat
from tanuki_jax.evaluation.benchmarks.log_probabilities import ask_probability

CHAT = chat([{"role": "user", "content": "狸とは？"}], max_tokens=8)


def test_an_answer_is_cut_at_its_greatest_length_or_in_its_thinking() -> None:
    ends = [read_reply(Stored((text,), (end,)), CHAT) for text in ("狸", "<think>狸") for end in ("stop", "length")]
    assert [reply.cut for reply in ends] == [False, True, True, True]
    assert [reply.text for reply in ends] == ["狸", "狸", "", ""]


def test_thinking_and_white_space_are_no_part_of_the_answer() -> None:
    reply = read_reply(Stored(("<think>動物</think>\n\n 狸です。\n",), ("stop",)), CHAT)
    assert (reply.text, reply.raw) == ("狸です。", "<think>動物</think>\n\n 狸です。\n")


def test_a_prompt_that_is_given_back_is_no_answer_that_was_cut() -> None:
    stored = Stored(("<think>\n狸は夜に動くx",), ("length",), input_tokens=7, logprobs={"tokens": []})
    reply = read_reply(stored, ask_probability("<think>\n狸は夜に動く"))
    assert (reply.text, reply.cut, reply.input_tokens, reply.logprobs) == (stored.texts[0], False, 7, {"tokens": []})


def test_halves_of_characters_can_be_written() -> None:
    assert read_reply(Stored(("狸\ud800",), ("stop",)), CHAT).text.encode() == "狸?".encode()
