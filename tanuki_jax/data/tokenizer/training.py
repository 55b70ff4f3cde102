"""Trains a SentencePiece unigram tokenizer (Kudo 2018) as Tanuki's."""

import re
from collections.abc import Iterable
from pathlib import Path

from tanuki_jax.base.atomic import new_folder
from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Tokenizer
from tanuki_jax.data.tokenizer import special_pieces as pieces
from tanuki_jax.data.tokenizer.export import export
from tanuki_jax.data.tokenizer.load import MODEL
from tanuki_jax.data.tokenizer.protobuf import parse
from tanuki_jax.data.tokenizer.segmentation import DELIMITER, lines, pairs_of_words
from tanuki_jax.data.tokenizer.trainer_process import fit, normalizer


def train(texts: Iterable[str], config: Tokenizer, folder: Path) -> None:
    """Trains on all of `texts` and makes `folder` with `tokenizer.model`, `tokenizer.json` and `tokenizer_config.json`.

    The same texts in the same order give the same files. The folder appears at once and complete. InputError if it is there already,
    if there is no text, if the text is too small for `config.pieces` or they for its characters, or if `config.mecab` lacks its extra.

    Tanuki's normalization rule and its dummy prefix are not on record. Here text stays as it is: no rule but the one that tells U+2581
    from a space, no space put before the text.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"{folder} exists already: remove it to train another tokenizer in its place")
    try:
        model = (
            fit(pairs_of_words(lines(texts)), config.pieces, DELIMITER)
            if config.mecab
            else fit(lines(texts), config.pieces, "")
        )
    except RuntimeError as error:
        raise _explained(error, config.pieces) from None
    with new_folder(folder, concurrent=True) as draft:
        (draft / MODEL).write_bytes(_finished(model))
        export(draft / MODEL, draft)


def _explained(error: RuntimeError, asked: int) -> Exception:
    message = str(error)
    if most := re.search(r"set it to a value <= (\d+)", message):
        return InputError(f"data.tokenizer.pieces is {asked}, but there is text for {most[1]} at the most")
    if least := re.search(r"smaller than required_chars\. \d+ vs (\d+)", message):
        return InputError(
            f"data.tokenizer.pieces is {asked}, but the characters of the text need {least[1]} at the least"
        )
    if re.search(r"sentences_\.empty|all_chars_count|seed_sentencepieces\.empty", message):
        return InputError("there is no text to train a tokenizer on")
    return error


def _finished(content: bytes) -> bytes:
    """The model with the inverse of its normalization, and with scores whose sums are exact.

    The trainer would take the inverse only from a file, whose name it would store. Sums of scores on a grid (`pieces.SCORE_GRID`) are
    exact in float32; otherwise SentencePiece's rounding decides between paths of almost equal score, and differently from a program
    that adds in float64.
    """
    model = parse(content)
    inverse = normalizer(((escape, character) for character, escape in pieces.ESCAPES), escape_whitespaces=False)
    model.denormalizer_spec.ParseFromString(inverse.serialized_normalizer_spec())
    model.normalizer_spec.name = model.denormalizer_spec.name = pieces.NORMALIZATION
    for piece in model.pieces:
        piece.score = round(piece.score * pieces.SCORE_GRID) / pieces.SCORE_GRID
    serialized: bytes = model.SerializeToString(deterministic=True)
    return serialized
