"""The message and exit code of a command that fails."""

import errno
import logging
import re
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from tanuki_jax.base.command import enter
from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import progress


def raising(error: BaseException) -> Callable[[list[str]], None]:
    def main(arguments: list[str]) -> None:
        raise error

    return main


def raised_from(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "code", "message"),
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
            NotADirectoryError(errno.ENOTDIR, "Not a directory", "a/config.json/b"),
            2,
            "not a directory: a/config.json/b",
        ),
        (OSError(errno.ENAMETOOLONG, "File name too long", "a" * 300), 2, "file name too long: aaa"),
        (InputError("f.json has the field 'a\nb\x1b[2J'"), 2, r"f.json has the field 'a\nb\x1b[2J'"),
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
def test_an_outside_fault_is_one_line_and_an_exit_code(
    error: BaseException, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        enter("train", raising(error))
    assert exit_.value.code == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"tanuki_jax.train: {message}")
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize(
    "error",
    [ValueError("ours"), FileNotFoundError(errno.ENOENT, "No such file", "x"), AssertionError(), BrokenPipeError()],
)
def test_a_fault_of_the_program_keeps_its_traceback(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        enter("train", raising(error))
    assert raised.value is error


def test_main_gets_the_arguments_after_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(sys, "argv", ["tanuki_jax/train.py", "--config=tiny", "--steps", "3"])
    enter("train", seen.extend)
    assert seen == ["--config=tiny", "--steps", "3"]


def test_a_reader_that_closes_the_pipe_ends_the_command_silently() -> None:
    """Like `python -m tanuki_jax.explain ... | head -1`."""
    program = (
        "from tanuki_jax.base.command import enter\n"
        "enter('explain', lambda arguments: [print('line') for _ in range(100_000)])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as command:
        assert command.stdout is not None and command.stderr is not None
        assert command.stdout.readline() == "line\n"
        command.stdout.close()
        assert command.stderr.read() == ""
    assert command.returncode == 0


def test_what_the_package_logs_is_printed_once_on_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(sys.stdout)])
    enter("train", lambda arguments: logging.getLogger("tanuki_jax.lm").info("attention backend chunked"))
    assert capsys.readouterr() == ("", "attention backend chunked\n")


def test_a_log_line_does_not_break_a_progress_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"FORCE_COLOR": "1", "TTY_INTERACTIVE": "1", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)

    def main(arguments: list[str]) -> None:
        with progress("encoding", 10, bar_after=0.0):
            time.sleep(0.3)
            logging.getLogger("tanuki_jax.lm").info("attention backend chunked")

    enter("train", main)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", capsys.readouterr().err)
    assert "encoding" in text and "attention backend chunked" in re.split(r"[\r\n]", text)
