"""Answers that are asked for once, and are on the disk before the next request is sent."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

from tanuki_jax.client.answer_journal import AnswerJournal, Stored
from tanuki_jax.config.endpoints import Requests
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.evaluation.answering import Answerer, Answering, read_reply
from tanuki_jax.evaluation.benchmark import Ask, Reply, chat
from tanuki_jax.evaluation.benchmarks.log_probabilities import ask_probability
from tests.evaluation.scripted import scripted

CHAT = chat([{"role": "user", "content": "狸とは？"}], max_tokens=8)


def ask(text: str, *, sample: int = 0, temperature: float = 0.0) -> Ask:
    return chat([{"role": "user", "content": text}], max_tokens=5, sample=sample, temperature=temperature)


def replies(url: str, path: Path, *asks: Ask, concurrency: int = 8) -> tuple[list[Reply], Answering]:
    """Return the replies to requests that are sent together."""
    remote = RemoteModel(urls=(url,), concurrency=concurrency)

    async def run(answering: Answering) -> list[Reply]:
        async with answering.opened():
            return await asyncio.gather(*map(answering.reply, asks))

    with AnswerJournal(path) as journal:
        answering = Answering({"model": Answerer(remote, "endpoint", "m", "m f")}, journal, Requests(), 0)
        return asyncio.run(run(answering)), answering


def test_equal_requests_are_sent_once(tmp_path: Path) -> None:
    log: list[Any] = []
    with scripted(lambda body: "a", log=log) as url:
        found, answering = replies(url, tmp_path / "j", *[ask("x")] * 5, ask("y"))
    assert [reply.text for reply in found] == ["a"] * 6 and len(log) == answering.counts.asked == 2


def test_samples_have_seeds_of_their_own(tmp_path: Path) -> None:
    log: list[Any] = []
    with scripted(lambda body: str(body["seed"]), log=log) as url:
        drawn = [ask("x", sample=number, temperature=0.7) for number in range(4)]
        first, _ = replies(url, tmp_path / "j", *drawn)
        second, again = replies(url, tmp_path / "j", *drawn)
    assert len({reply.text for reply in first}) == 4 and second == first and again.counts.asked == 0
    assert "seed" not in ask("x").body and len(log) == 4


def test_an_answer_is_on_the_disk_before_its_place_is_free(tmp_path: Path) -> None:
    """With one request at a time, the journal holds all earlier answers whenever a request arrives."""
    seen: list[int] = []
    lock = threading.Lock()

    def script(body: dict[str, Any]) -> str:
        with lock:
            copy = tmp_path / f"copy{len(seen)}"
            copy.write_bytes((tmp_path / "j").read_bytes())
            with AnswerJournal(copy) as journal:
                seen.append(len(journal.answers))
        time.sleep(0.01)
        return "a"

    with scripted(script) as url:
        replies(url, tmp_path / "j", *[ask(str(number)) for number in range(6)], concurrency=1)
    assert seen == [0, 1, 2, 3, 4, 5]


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


def test_an_answer_longer_than_its_tokens_is_cut() -> None:
    long = "狸" * 20_000
    found = [
        read_reply(Stored((text,), ("stop",)), chat([], max_tokens=tokens))
        for text, tokens in ((long, 8), (long, 1000), (long[:10_000], 8), (f"<think>{long}</think>狸", 8))
    ]
    assert [(len(reply.text), len(reply.raw), reply.cut) for reply in found] == [
        (10_000, 10_000, True),
        (20_000, 20_000, False),
        (10_000, 10_000, False),
        (1, 20_016, False),
    ]
