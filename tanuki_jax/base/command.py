"""How every command of the house is entered and left: one clear sentence and an exit code for what is not our fault."""

import contextlib
import logging
import os
import select
import sys
from collections.abc import Callable, Iterator

from tanuki_jax.base.errors import INTERRUPTED, as_sentence


def enter(name: str, main: Callable[[list[str]], None]) -> None:
    """Runs `main` on the command line's words; turns what is not our fault into a sentence on stderr and an exit code.

    That is what a `Sentence` says, a full disk, a file that may not be read or written (2), and Ctrl-C (130). A reader of our output
    that closes the pipe (`| head`) ends the command quietly.

    What the rooms log goes to stderr as it is.

    Args:
        name: the door, as in `python -m tanuki_jax.NAME`.
        main: takes the words after the command's name.
    """
    try:
        with _log_on_stderr():
            main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        if not _reader_is_gone():
            raise
    except KeyboardInterrupt:
        _leave(name, "interrupted", INTERRUPTED)
    except Exception as error:
        sentence = as_sentence(error)
        if sentence is None:
            raise
        _leave(name, str(sentence), sentence.code)


@contextlib.contextmanager
def _log_on_stderr() -> Iterator[None]:
    log, handler = logging.getLogger("tanuki_jax"), logging.StreamHandler()
    log.addHandler(handler)
    log.propagate = False  # some libraries have the root logger say everything again
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = True


def _reader_is_gone() -> bool:
    """Whether the pipe that broke is stdout. If so, what is still to be printed goes nowhere, or Python would complain again at exit."""
    stdout = sys.stdout.fileno()
    poll = select.poll()
    poll.register(stdout, 0)
    if not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), stdout)
    return True


def _leave(name: str, sentence: str, code: int) -> None:
    print(f"tanuki_jax.{name}: {sentence}", file=sys.stderr)
    sys.exit(code)
