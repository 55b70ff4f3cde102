"""Special tokens that are added to an existing tokenizer, of SentencePiece or Hugging Face."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.errors import InputError
from tanuki_jax.data.tokenizer.copy_tokenizer import copy_tokenizer
from tanuki_jax.data.tokenizer.export import with_control_pieces
from tanuki_jax.data.tokenizer.hugging_face_backend import CONFIG
from tanuki_jax.data.tokenizer.load import JSON, MODEL, Tokenizer, load


def add_tokens(source: Path, folder: Path, tokens: Sequence[str]) -> dict[str, int]:
    """Copy the tokenizer at `source` as `copy_tokenizer` does, with further special tokens, and return their ids.

    They are the next free ones, in the order of `tokens`. No text becomes such a token: a chat template writes it.

    Args:
        source: a tokenizer's folder, or its file.
        folder: destination; must not contain another tokenizer.
        tokens: names of the tokens.

    Raises:
        InputError: there is no tokenizer at `source`, a name is empty or twice there, the tokenizer has it already, or
            it would become the token that begins or ends texts.
    """
    tokenizer = load(source)
    _check(tokens, tokenizer, source)
    ids = {token: tokenizer.vocabulary + number for number, token in enumerate(tokens)}
    copy_tokenizer(source, folder)
    if (model := folder / MODEL).is_file():
        model.write_bytes(with_control_pieces(model.read_bytes(), tokens))
    for name, change in ((JSON, _add_to_json), (CONFIG, _add_to_config)):
        if (file := folder / name).is_file():
            content = json.loads(file.read_text(encoding="utf-8"))
            change(content, ids)
            replace_text(file, json.dumps(content, ensure_ascii=False, indent=2) + "\n")
    _check_grown(load(folder), tokenizer, ids, source)
    return ids


def _check(tokens: Sequence[str], tokenizer: Tokenizer, source: Path) -> None:
    if not tokens:
        raise InputError("--tokens is empty; name at least one token")
    for token in tokens:
        if not token or token != token.strip() or not token.isprintable():
            raise InputError(
                f"--tokens has {token!r:.80}; a token is printable text with no white space at its beginning or end"
            )
        if (known := tokenizer.id_of(token)) is not None:
            raise InputError(f"--tokens has {token!r:.80}, which is token {known} of {source} already; leave it out")
        if tokens.count(token) > 1:
            raise InputError(f"--tokens has {token!r:.80} twice; leave one out")


def _check_grown(grown: Tokenizer, before: Tokenizer, ids: Mapping[str, int], source: Path) -> None:
    """Raise InputError if the tokens have other ids, or other tokens begin, end or fill texts than before."""
    for token, id in ids.items():
        if grown.special.get(token) != id:
            raise InputError(
                f"{source} cannot have {token!r:.80} as token {id}, the next free one: its ids have gaps, which "
                "must be closed in its files first"
            )
    roles = {name: (getattr(before, name), getattr(grown, name)) for name in ("bos", "eos", "eod", "pad")}
    if changed := [name for name, (old, new) in roles.items() if old != new]:
        raise InputError(
            f"--tokens has {', '.join(map(repr, ids)):.80}, which would change the {changed[0]} token of {source} from "
            f"{roles[changed[0]][0]} to {roles[changed[0]][1]}; choose another name"
        )


def _add_to_json(content: dict[str, Any], ids: Mapping[str, int]) -> None:
    """Add tokens to the content of a `tokenizer.json`."""
    content["added_tokens"] = [
        *(content.get("added_tokens") or []),
        *({"id": id, **_settings(token), "special": True} for token, id in ids.items()),
    ]


def _add_to_config(content: dict[str, Any], ids: Mapping[str, int]) -> None:
    """Add tokens to the content of a `tokenizer_config.json`."""
    newer = isinstance(content.get("extra_special_tokens"), list)  # its name since transformers 5
    field = "extra_special_tokens" if newer else "additional_special_tokens"
    content[field] = [*(content.get(field) or []), *ids]
    if isinstance(decoder := content.get("added_tokens_decoder"), dict):
        decoder |= {str(id): {**_settings(token), "special": True} for token, id in ids.items()}


def _settings(token: str) -> dict[str, Any]:
    return {"content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
