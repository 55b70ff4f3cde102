"""What a person sees when a command ends before its time."""

import errno
import logging
import subprocess
import sys
from collections.abc import Callable

import pytest

from tanuki_jax.base.command import enter
from tanuki_jax.base.errors import InputError


def raiser(error: BaseException) -> Callable[[list[str]], None]:
    def main(words: list[str]) -> None:
        raise error

    return main


def raised_from(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (
            InputError("there is no experiment named 'tiney'; the nearest is 'tiny'"),
            2,
            "there is no experiment named 'tiney'; the nearest is 'tiny'",
        ),
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(errno.ENOSPC, "No space left on device", "runs/a/b"), 2, "the disk is full: runs/a/b; "),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), 2, "the disk is full; "),
        (
            ValueError(
                "RESOURCE_EXHAUSTED: Failed to write 4 bytes to file 4: No space left on device [os_error_code='28']"
            ),
            2,
            "the disk is full; ",
        ),
        (
            raised_from(RuntimeError("could not save"), OSError(errno.ENOSPC, "No space left on device", "c/0")),
            2,
            "the disk is full: c/0; ",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "/data"), 2, "permission denied: /data"),
    ],
)
def test_what_is_not_our_fault_is_one_sentence_and_an_exit_code(
    error: BaseException, code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        enter("train", raiser(error))
    assert exit_.value.code == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"tanuki_jax.train: {sentence}")
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize(
    "error",
    [ValueError("ours"), FileNotFoundError(errno.ENOENT, "No such file", "x"), AssertionError(), BrokenPipeError()],
)
def test_our_own_faults_keep_their_traceback(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        enter("train", raiser(error))
    assert raised.value is error


def test_main_gets_the_words_after_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(sys, "argv", ["tanuki_jax/train.py", "--config=tiny", "--steps", "3"])
    enter("train", seen.extend)
    assert seen == ["--config=tiny", "--steps", "3"]


def test_a_reader_that_closes_the_pipe_ends_the_command_quietly() -> None:
    """As in `python -m tanuki_jax.explain ... | head -1`."""
    program = "from tanuki_jax.base.command import enter\nenter('explain', lambda words: [print('line') for _ in range(100_000)])"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as command:
        assert command.stdout is not None and command.stderr is not None
        assert command.stdout.readline() == "line\n"
        command.stdout.close()
        assert command.stderr.read() == ""
    assert command.returncode == 0


def test_what_the_rooms_log_is_said_once_on_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(sys.stdout)])
    enter("train", lambda words: logging.getLogger("tanuki_jax.lm.kernels").info("attention backend chunked"))
    assert capsys.readouterr() == ("", "attention backend chunked\n")
