"""Train a SentencePiece unigram tokenizer (Kudo 2018) with Tanuki's special pieces."""

import re
from collections.abc import Iterable
from pathlib import Path

from tanuki_jax.base.atomic import new_folder
from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Tokenizer
from tanuki_jax.data.tokenizer.export import export, parse_model
from tanuki_jax.data.tokenizer.load import MODEL
from tanuki_jax.data.tokenizer.segmentation import DELIMITER, lines, pairs_of_words
from tanuki_jax.data.tokenizer.special_pieces import ESCAPES, NORMALIZATION, SCORE_GRID
from tanuki_jax.data.tokenizer.trainer_process import fit, normalizer


def train(texts: Iterable[str], config: Tokenizer, folder: Path) -> None:
    """Train on all of `texts` and make `folder` with `tokenizer.model`, `tokenizer.json` and `tokenizer_config.json`.

    The same texts in the same order give the same files. The folder appears complete or not at all.

    Tanuki's normalization rule and its dummy prefix are not published. Text is not normalized, except for the rule that
    distinguishes U+2581 from a space, and no space is added before it.

    Raises:
        InputError: `folder` exists, there is no text, `config.pieces` is too large for the text or too small for its
            characters, or `config.mecab` is set and its extra is not installed.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"{folder} exists already: remove it to train another tokenizer there")
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


def _explained(error: RuntimeError, pieces: int) -> Exception:
    """Return SentencePiece's error as an InputError that names the limit, if the texts or `pieces` are at fault."""
    message = str(error)
    if most := re.search(r"set it to a value <= (\d+)", message):
        return InputError(
            f"data.tokenizer.pieces is {pieces}, but there is text for at most {most[1]}; lower "
            "--data.tokenizer.pieces, or add text to the mixture"
        )
    if least := re.search(r"smaller than required_chars\. \d+ vs (\d+)", message):
        return InputError(
            f"data.tokenizer.pieces is {pieces}, but the text's characters need at least {least[1]}; raise "
            "--data.tokenizer.pieces"
        )
    if re.search(r"sentences_\.empty|all_chars_count|seed_sentencepieces\.empty", message):
        return InputError("there is no text to train a tokenizer on")
    return error


def _finished(content: bytes) -> bytes:
    """Add the inverse of its normalization to a model, and round its scores so that their sums are exact.

    The trainer accepts the inverse only as a file, and stores its name. Sums of scores on a grid (`SCORE_GRID`) are
    exact in float32; otherwise SentencePiece's rounding decides between paths of almost equal score, and differently
    from a program that adds in float64.
    """
    model = parse_model(content)
    inverse = normalizer(((escape, character) for character, escape in ESCAPES), escape_whitespaces=False)
    model.denormalizer_spec.ParseFromString(inverse.serialized_normalizer_spec())
    model.normalizer_spec.name = model.denormalizer_spec.name = NORMALIZATION
    for piece in model.pieces:
        piece.score = round(piece.score * SCORE_GRID) / SCORE_GRID
    serialized: bytes = model.SerializeToString(deterministic=True)
    return serialized
