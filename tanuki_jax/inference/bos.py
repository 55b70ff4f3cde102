"""What stands before a text that is to be continued: the ids that transformers puts there for the same tokenizer's folder."""

import itertools
from pathlib import Path

import tokenizers

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat.template_files import tokenizer_config
from tanuki_jax.data.tokenizer.load import JSON, Tokenizer


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
    asked = tokenizer_config(folder).get("add_bos_token")
    return (tokenizer.bos,) if asked and tokenizer.bos is not None else ()


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
