"""What stands before a text that is to be continued: the ids that transformers puts there for the same tokenizer's folder."""

import itertools
import json
from pathlib import Path
from typing import Any

import tokenizers

from tanuki_jax.data.tokenizer.load import JSON, Tokenizer
from tanuki_jax.errors import InputError

_CONFIG = "tokenizer_config.json"


def before_text(tokenizer: Tokenizer, path: Path) -> tuple[int, ...]:
    """The token that begins a sequence, where the tokenizer asks for it; else nothing, as for tokenizers that are trained here.

    The post-processor in `tokenizer.json` decides; where there is only a SentencePiece model, `add_bos_token` in `tokenizer_config.json`.

    Args:
        tokenizer: what was loaded from `path`.
        path: the tokenizer's folder, or its file.

    Raises:
        InputError: a file in the folder cannot be read.
    """
    folder = path if path.is_dir() else path.parent
    file = path if path.suffix == ".json" else folder / JSON
    if file.is_file():
        return _before_any_text(file)
    asked = _config(folder / _CONFIG).get("add_bos_token")
    return (tokenizer.bos,) if asked and tokenizer.bos is not None else ()


def _config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from None
    if not isinstance(config, dict):
        raise InputError(f"{path} is not a JSON object")
    return config


def _before_any_text(file: Path) -> tuple[int, ...]:
    """What the post-processor puts before a sequence."""
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises no closer type
        raise InputError(f"{file} is not a tokenizer that can be read: {error}") from None
    tokenizer.no_padding()
    encoded = tokenizer.encode("a")
    pairs = itertools.takewhile(lambda pair: pair[1], zip(encoded.ids, encoded.special_tokens_mask, strict=True))
    return tuple(id for id, _ in pairs)
