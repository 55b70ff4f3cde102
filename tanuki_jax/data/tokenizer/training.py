"""Trains a SentencePiece unigram tokenizer (Kudo 2018) as Tanuki's."""

import io
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import sentencepiece

from tanuki_jax.config.experiment import Tokenizer
from tanuki_jax.data.tokenizer import pieces
from tanuki_jax.data.tokenizer.export import export
from tanuki_jax.data.tokenizer.load import MODEL
from tanuki_jax.data.tokenizer.protobuf import parse
from tanuki_jax.data.tokenizer.segmentation import DELIMITER, lines, mark_words
from tanuki_jax.errors import InputError

_ERRORS_ONLY = 2
_THREADS = 16  # part of the result: each thread's sums are rounded before they are added
_INT32_CHARACTERS = 2**31 - 1
_NO_TEXT = "there is no text to train a tokenizer on"


def train(texts: Iterable[str], config: Tokenizer, folder: Path) -> None:
    """Trains on all of `texts` and makes `folder` with `tokenizer.model`, `tokenizer.json` and `tokenizer_config.json`.

    The same texts in the same order give the same files. The folder appears at once and complete. InputError if it is there already,
    if there is no text, if the text is too small for `config.pieces` or they for its characters, or if `config.mecab` lacks its extra.

    Tanuki's normalization rule and its dummy prefix are not on record. Here text stays as it is: no rule but the one that tells U+2581
    from a space, no space put before the text.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"{folder} exists already: remove it to train another tokenizer in its place")
    sentences = lines(texts)
    model = _fit(mark_words(sentences) if config.mecab else sentences, config)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        partial.mkdir(parents=True)
        (partial / MODEL).write_bytes(model)
        export(partial / MODEL, partial)
        os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _fit(sentences: Iterator[str], config: Tokenizer) -> bytes:
    first = next(sentences, None)
    if first is None:
        raise InputError(_NO_TEXT)
    failures: list[BaseException] = []
    model = io.BytesIO()
    sentencepiece.set_min_log_level(_ERRORS_ONLY)
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_recording(chain([first], sentences), failures),
            model_writer=model,
            model_type="unigram",
            vocab_size=config.pieces,
            character_coverage=0.9995,
            byte_fallback=True,
            split_digits=True,
            allow_whitespace_only_pieces=True,
            required_chars=pieces.REQUIRED,
            pad_id=3,
            control_symbols=list(pieces.CONTROL),
            user_defined_symbols=list(pieces.WRITTEN),
            normalizer=_rule(pieces.ESCAPES, escape_whitespaces=True),
            pretokenization_delimiter=DELIMITER if config.mecab else "",
            max_sentence_length=2**20,
            train_extremely_large_corpus=config.sample_bytes > _INT32_CHARACTERS,
            num_threads=_THREADS,
            minloglevel=_ERRORS_ONLY,
        )
    except RuntimeError as error:
        raise (failures[0] if failures else _explained(error, config.pieces)) from None
    return _finished(model.getvalue())


def _recording(sentences: Iterable[str], failures: list[BaseException]) -> Iterator[str]:
    """The same sentences. What reading them raises is kept, because SentencePiece passes on only its message."""
    try:
        yield from sentences
    except BaseException as error:
        failures.append(error)
        raise


def _explained(error: RuntimeError, asked: int) -> Exception:
    message = str(error)
    if most := re.search(r"set it to a value <= (\d+)", message):
        return InputError(f"tokenizer.pieces is {asked}, but there is text for {most[1]} at the most")
    if least := re.search(r"smaller than required_chars\. \d+ vs (\d+)", message):
        return InputError(f"tokenizer.pieces is {asked}, but the characters of the text need {least[1]} at the least")
    if "all_chars_count" in message or "seed_sentencepieces.empty" in message:
        return InputError(_NO_TEXT)
    return error


def _rule(replacements: Iterable[tuple[str, str]], *, escape_whitespaces: bool) -> sentencepiece.SentencePieceNormalizer:
    return sentencepiece.SentencePieceNormalizer(
        norm_map=list(replacements), add_dummy_prefix=False, remove_extra_whitespaces=False, escape_whitespaces=escape_whitespaces
    )


def _finished(content: bytes) -> bytes:
    """The model with the inverse of its normalization, and with scores whose sums are exact.

    The trainer would take the inverse only from a file, whose name it would store. A sum of scores on a grid is exact in float32 as far
    as `pieces.SCORE_GRID` says; otherwise SentencePiece's rounding decides between paths of almost equal score, and differently from
    a program that adds in float64.
    """
    model = parse(content)
    inverse = _rule(((escape, character) for character, escape in pieces.ESCAPES), escape_whitespaces=False)
    model.denormalizer_spec.ParseFromString(inverse.serialized_normalizer_spec())
    model.normalizer_spec.name = model.denormalizer_spec.name = pieces.NORMALIZATION
    for piece in model.pieces:
        piece.score = round(piece.score * pieces.SCORE_GRID) / pieces.SCORE_GRID
    serialized: bytes = model.SerializeToString(deterministic=True)
    return serialized
