"""Conversations in the terminal."""

import io
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Sequence

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Message
from tanuki_jax.inference.assistant import Assistant
from tanuki_jax.inference.engine.job import Update
from tanuki_jax.inference.terminal import talk


class Echo(Assistant):
    """Assistant that answers with the number of messages and the last message, in two deltas; keeps four messages."""

    def __init__(self) -> None:
        pass

    def truncated(self, messages: Sequence[Message]) -> list[Message]:
        if messages[-1].content == "long":
            raise InputError("the message is too long")
        return list(messages[-4:] if messages[0].role != "system" else (messages[0], *messages[1:][-3:]))

    def stream(self, messages: Sequence[Message]) -> Generator[Update]:
        message = messages[-1].content
        yield Update(f"{len(messages)}", (0,))
        if message == "interrupt":
            raise KeyboardInterrupt
        if message == "wait":
            time.sleep(60)
        yield Update(f" {message}", (0, 0), finish_reason="length" if message == "cut" else "eos_token")


def test_a_conversation_grows_is_truncated_and_is_reset(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["a", "", "long", "b", "interrupt", "c", "/reset", "d", "cut"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines)))
    talk(Echo(), "")
    output = capsys.readouterr()
    assert output.out.splitlines() == ["1 a", "3 b", "4", "4 c", "1 d", "3 cut"]
    assert output.err.splitlines() == [
        "(the message is too long)",
        "(the first 1 messages are left out: the conversation is too long)",
        "(the first 2 messages are left out: the conversation is too long)",
        "(a new conversation)",
        "(cut off after 3 tokens)",
    ]


def test_the_system_message_stays(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a\n/reset\nb\n"))
    talk(Echo(), "short")
    assert capsys.readouterr().out == "2 a\n2 b\n"


@pytest.mark.long
def test_ctrl_c_stops_an_answer_and_leaves_at_the_prompt() -> None:
    with Terminal() as terminal:
        terminal.expect("Ctrl-D leaves)\r\n> ")
        terminal.type("狸\x7f狐\n".encode())
        terminal.expect("\r\n1 狐\r\n> ")
        terminal.type(b"wait\n")
        terminal.expect("\r\n3")
        terminal.type(b"\x03")
        terminal.expect("\r\n> ")
        terminal.type(b"\xff\n")
        terminal.expect("\r\n4 \ufffd\r\n> ")
        terminal.type(b"\x04")
        terminal.expect("\r\n")
        assert terminal.code() == 0
    with Terminal() as terminal:
        terminal.expect("> ")
        terminal.type(b"\x03")
        terminal.type(b"\n")  # wakes the library that reads lines, should it not have been waiting yet
        terminal.expect("tanuki_jax.generate: interrupted\r\n")
        assert terminal.code() == 130


class Terminal:
    """Pseudo-terminal in which `talk` runs with an `Echo`."""

    def __init__(self) -> None:
        imports = f"from {__name__} import Echo, talk; from tanuki_jax.base.command import enter"
        program = f"{imports}; enter('generate', lambda words: talk(Echo(), ''))"
        self._ours, theirs = pty.openpty()
        environment = {**os.environ, "PYTHONUTF8": "1", "TERM": "dumb"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env=environment,
        )
        os.close(theirs)
        self._shown = b""

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def type(self, keys: bytes) -> None:
        """Send keys; Ctrl-C goes to the process as a signal, because this terminal does not control it."""
        if keys == b"\x03":
            self._process.send_signal(signal.SIGINT)
        else:
            os.write(self._ours, keys)

    def expect(self, text: str) -> None:
        """Wait until this text is shown, and forget the output up to its end."""
        wanted, deadline = text.encode(), time.monotonic() + 60
        while wanted not in self._shown:
            assert select.select([self._ours], [], [], max(0, deadline - time.monotonic()))[0], self._shown.decode(
                errors="replace"
            )
            self._shown += os.read(self._ours, 4096)
        self._shown = self._shown.partition(wanted)[2]

    def code(self) -> int:
        return self._process.wait(60)
