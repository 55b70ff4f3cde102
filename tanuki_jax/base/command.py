"""Entry of every command: errors of the user and of the system become one line on stderr and an exit code."""

import contextlib
import logging
import os
import select
import sys
from collections.abc import Callable, Iterator

from tanuki_jax.base.errors import INTERRUPTED, as_command_error


def enter(name: str, main: Callable[[list[str]], None]) -> None:
    """Run `main` with the command's arguments; exit with a message and a code after a fault outside the program.

    Such faults are a CommandError, a full disk or a file that may not be read or written (code 2), and Ctrl-C (130).
    A reader that closes stdout (`| head`) ends the command silently. Log messages of the package are printed on stderr.

    Args:
        name: the command, as in `python -m tanuki_jax.NAME`.
        main: called with the arguments after the command's name.
    """
    try:
        with _log_on_stderr():
            main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        if not _stdout_is_closed():
            raise
    except KeyboardInterrupt:
        _exit(name, "interrupted", INTERRUPTED)
    except Exception as error:
        command_error = as_command_error(error)
        if command_error is None:
            raise
        _exit(name, str(command_error), command_error.code)


class _Stderr:
    """The present `sys.stderr`: while a progress bar is shown, rich replaces it and prints above the bar."""

    def write(self, text: str) -> None:
        sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


@contextlib.contextmanager
def _log_on_stderr() -> Iterator[None]:
    log, handler = logging.getLogger("tanuki_jax"), logging.StreamHandler(_Stderr())
    log.addHandler(handler)
    log.propagate = False  # some libraries give the root logger a handler, which would print every line twice
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = True


def _stdout_is_closed() -> bool:
    """Whether the reader of stdout is gone. If so, stdout becomes /dev/null, or Python would print an error at exit."""
    stdout = sys.stdout.fileno()
    poll = select.poll()
    poll.register(stdout, 0)
    if not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), stdout)
    return True


def printable(message: str) -> str:
    """Return a message as one line: what it quotes, such as a name in a file, may have line ends and codes that move
    the cursor."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in message)


def _exit(name: str, message: str, code: int) -> None:
    print(f"tanuki_jax.{name}: {printable(message)}", file=sys.stderr)
    sys.exit(code)
