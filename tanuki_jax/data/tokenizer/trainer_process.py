"""SentencePiece's trainer in a separate process, so that Ctrl-C ends it at once and its memory is freed."""

import contextlib
import io
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator

import sentencepiece

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import Advance, progress
from tanuki_jax.data.tokenizer import special_pieces as pieces

_ERRORS_ONLY = 2
LINES_PER_ADVANCE = 1_000
_THREADS = 16  # determines the result: each thread's sums are rounded before they are added


def fit(lines: Iterable[str], vocabulary: int, delimiter: str) -> bytes:
    """Train a model of `vocabulary` pieces and return the content of its `.model` file.

    Args:
        lines: text; no line is empty or contains a newline.
        vocabulary: number of pieces.
        delimiter: character that no piece contains; empty: none.

    Raises:
        RuntimeError: with SentencePiece's message.
        InputError: the process was killed.
    """
    command = [sys.executable, "-m", __spec__.name, str(vocabulary), delimiter]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        try:
            assert process.stdin is not None
            with (
                progress("reading text for the tokenizer", None, "byte") as advance,
                contextlib.suppress(BrokenPipeError),
                process.stdin as sink,
            ):
                sink.writelines(_encoded(lines, advance))
            process.stdin = None  # it is closed, and communicate would flush it
            with progress(f"training a tokenizer of {vocabulary:,} pieces", None):
                model, message = process.communicate()
        finally:
            process.kill()
    if process.returncode < 0:
        raise InputError(
            f"the training of the tokenizer was killed by signal {-process.returncode}, most likely because memory ran "
            "out: set a smaller data.tokenizer.sample_bytes"
        )
    if process.returncode > 0:
        raise RuntimeError(message.decode(errors="replace"))
    return model


def _encoded(lines: Iterable[str], advance: Advance) -> Iterator[bytes]:
    for batch in itertools.batched(lines, LINES_PER_ADVANCE):
        encoded = [f"{line}\n".encode() for line in batch]
        advance(sum(map(len, encoded)))
        yield from encoded


def normalizer(
    replacements: Iterable[tuple[str, str]], *, escape_whitespaces: bool
) -> sentencepiece.SentencePieceNormalizer:
    """Return a rule that replaces characters; with `escape_whitespaces` it also writes spaces as SentencePiece does."""
    sentencepiece.set_min_log_level(_ERRORS_ONLY)
    return sentencepiece.SentencePieceNormalizer(
        norm_map=list(replacements),
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        escape_whitespaces=escape_whitespaces,
    )


def _work(vocabulary: int, delimiter: str) -> None:
    """Train on lines from standard input and write the model to standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent kills this process
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=(line.removesuffix(b"\n") for line in sys.stdin.buffer),
            model_writer=model,
            model_type="unigram",
            vocab_size=vocabulary,
            character_coverage=0.9995,
            byte_fallback=True,
            split_digits=True,
            allow_whitespace_only_pieces=True,
            required_chars=pieces.REQUIRED,
            pad_id=3,
            control_symbols=list(pieces.CONTROL),
            user_defined_symbols=list(pieces.USER_DEFINED),
            normalizer=normalizer(pieces.ESCAPES, escape_whitespaces=True),
            pretokenization_delimiter=delimiter,
            max_sentence_length=2**20,
            num_threads=_THREADS,
            minloglevel=_ERRORS_ONLY,
        )
    except RuntimeError as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(model.getvalue())


if __name__ == "__main__":
    _work(int(sys.argv[1]), sys.argv[2])
