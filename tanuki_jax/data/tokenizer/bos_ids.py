"""Ids that begin a text, such as Llama's `<s>`."""

import itertools
from pathlib import Path

import tokenizers

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat.template_files import tokenizer_config
from tanuki_jax.data.tokenizer.load import JSON, Tokenizer


def bos_ids(tokenizer: Tokenizer, path: Path) -> tuple[int, ...]:
    """Return the ids that begin a text: those that transformers adds for the same tokenizer folder.

    The post-processor in `tokenizer.json` decides; if there is only a SentencePiece model, `add_bos_token` in
    `tokenizer_config.json` does. Tokenizers that `prepare` trains add none.

    Args:
        tokenizer: the tokenizer that was loaded from `path`.
        path: the tokenizer's folder, or its file.

    Raises:
        InputError: a file in the folder cannot be read.
    """
    folder = path if path.is_dir() else path.parent
    file = path if path.suffix == ".json" else folder / JSON
    if file.is_file():
        return _ids_of_post_processor(file)
    add_bos = tokenizer_config(folder).get("add_bos_token")
    return (tokenizer.bos,) if add_bos and tokenizer.bos is not None else ()


def _ids_of_post_processor(file: Path) -> tuple[int, ...]:
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises no closer type
        raise InputError(f"{file} is not a tokenizer that can be read: {error}") from None
    tokenizer.no_padding()
    encoded = tokenizer.encode("a")
    pairs = itertools.takewhile(lambda pair: pair[1], zip(encoded.ids, encoded.special_tokens_mask, strict=True))
    return tuple(id for id, _ in pairs)
