"""Encoding with a Hugging Face `tokenizer.json`."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tokenizers

from tanuki_jax.data.tokenizer.special_pieces import SPACE

CONFIG = "tokenizer_config.json"
_BYTE_PIECE = re.compile("<0x[0-9A-F]{2}>")
_PRINTED = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
_BYTE_OF = {chr(byte): byte for byte in _PRINTED} | {
    chr(0x100 + number): byte for number, byte in enumerate(byte for byte in range(256) if byte not in _PRINTED)
}
"""Character -> byte that stands for it in the pieces of byte-level BPE (Radford et al. 2019)."""
_BEGINS = ("<s>", "<|begin_of_text|>", "<bos>")


class HuggingFace:
    """A `tokenizer.json` with the special tokens of the `tokenizer_config.json` in the same folder, if there is one."""

    def __init__(self, file: Path) -> None:
        """Read both files.

        Raises:
            Exception: `file` is not a tokenizer (the library raises no closer type).
            json.JSONDecodeError: `tokenizer_config.json` is not JSON.
        """
        self._tokenizer = tokenizers.Tokenizer.from_file(str(file))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.vocabulary = max(self._tokenizer.get_vocab().values()) + 1
        config = file.with_name(CONFIG)
        special = _special_tokens(json.loads(config.read_text(encoding="utf-8"))) if config.is_file() else {}
        self._tokenizer.add_special_tokens([token for token in special.values() if self.id_of(token) is not None])
        self._tokenizer.encode_special_tokens = True
        self.eos, self.pad = special.get("eos_token"), special.get("pad_token")
        self.bos = special.get("bos_token") or next((name for name in _BEGINS if self.id_of(name) is not None), None)
        added = self._tokenizer.get_added_tokens_decoder()
        self.special: Mapping[str, int] = {token.content: id for id, token in added.items() if token.special}
        self.strips: Mapping[int, tuple[bool, bool]] = {
            id: (token.lstrip, token.rstrip) for id, token in added.items() if token.lstrip or token.rstrip
        }
        self._added = {*added}
        decoder = json.dumps(json.loads(self._tokenizer.to_str())["decoder"])
        self._byte_level = '"ByteLevel"' in decoder
        # This decoder replaces all bytes in a row by U+FFFD if they are not UTF-8 together.
        pieces = self._tokenizer.get_vocab().items() if '"ByteFallback"' in decoder else ()
        self.undecided = frozenset(id for piece, id in pieces if _BYTE_PIECE.fullmatch(piece))
        self._continuing = _continuing(self._tokenizer)

    def id_of(self, piece: str) -> int | None:
        """Return the id of a piece; None if the vocabulary does not have it."""
        return self._tokenizer.token_to_id(piece)

    def piece_bytes(self, id: int) -> bytes | None:
        """Return what a piece adds to a text, where it is not the first; None for a special token or an unused id."""
        piece = self._tokenizer.id_to_token(id)
        if piece is None or id in self.special.values():
            return None
        if id in self._added:
            return piece.encode()
        if self._byte_level:
            return (
                bytes(_BYTE_OF[char] for char in piece) if all(char in _BYTE_OF for char in piece) else piece.encode()
            )
        return bytes([int(piece[3:5], 16)]) if _BYTE_PIECE.fullmatch(piece) else piece.replace(SPACE, " ").encode()

    def encode_batch(self, texts: Sequence[bytes], *, continued: bool = False) -> list[npt.NDArray[np.int32]]:
        """Encode texts in UTF-8. The name of a special token in a text is encoded as text."""
        tokenizer = self._continuing if continued else self._tokenizer
        encodings = tokenizer.encode_batch_fast([text.decode() for text in texts], add_special_tokens=False)
        return [np.array(encoding.ids, np.int32) for encoding in encodings]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids below the vocabulary size; special tokens give no text."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)


def _continuing(tokenizer: tokenizers.Tokenizer) -> tokenizers.Tokenizer:
    """Return the tokenizer for text behind a special token: without the blank that Metaspace's scheme `first` puts
    before the beginning alone."""
    saved = json.loads(tokenizer.to_str())
    if not _without_first(saved["pre_tokenizer"]):
        return tokenizer
    other = tokenizers.Tokenizer.from_str(json.dumps(saved))
    other.encode_special_tokens = True
    return other


def _without_first(part: Any) -> bool:
    """Turn the scheme `first` into `never` in a pre-tokenizer, and return whether there was one."""
    if not isinstance(part, dict):
        return False
    found = [_without_first(each) for each in part.get("pretokenizers", [])]
    if part.get("type") == "Metaspace" and part.get("prepend_scheme") == "first":
        part["prepend_scheme"] = "never"
        found.append(True)
    return any(found)


def _special_tokens(config: Mapping[str, Any]) -> dict[str, str]:
    """Return field (`eos_token`, ...) -> special token, which `config` holds as text or as an object with `content`."""
    single = {
        field: value
        for field, value in config.items()
        if field.endswith("_token") and value and not isinstance(value, bool)
    }
    additional = config.get("additional_special_tokens") or []
    fields = single | {f"additional_special_tokens[{i}]": value for i, value in enumerate(additional)}
    return {field: value["content"] if isinstance(value, dict) else value for field, value in fields.items()}
