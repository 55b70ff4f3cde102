"""Encoding by a Hugging Face `tokenizer.json`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tokenizers

CONFIG = "tokenizer_config.json"
_BEGINS = ("<s>", "<|begin_of_text|>", "<bos>")


class HuggingFace:
    """A `tokenizer.json`, with what the `tokenizer_config.json` beside it, if any, says about special tokens."""

    def __init__(self, file: Path) -> None:
        """Exception (of no closer type) if `file` is not a tokenizer; json.JSONDecodeError if the file beside it is not JSON."""
        self._tokenizer = tokenizers.Tokenizer.from_file(str(file))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.vocabulary = max(self._tokenizer.get_vocab().values()) + 1
        beside = file.with_name(CONFIG)
        special = _special_tokens(json.loads(beside.read_text(encoding="utf-8"))) if beside.is_file() else {}
        self._tokenizer.add_special_tokens([token for token in special.values() if self.id_of(token) is not None])
        self._tokenizer.encode_special_tokens = True
        self.eos = special.get("eos_token")
        self.bos = special.get("bos_token") or next((name for name in _BEGINS if self.id_of(name) is not None), None)
        added = self._tokenizer.get_added_tokens_decoder()
        self.special: Mapping[str, int] = {token.content: id for id, token in added.items() if token.special}

    def id_of(self, piece: str) -> int | None:
        """Id of a piece; None if there is none of that name."""
        return self._tokenizer.token_to_id(piece)

    def encode_batch(self, texts: Sequence[bytes]) -> list[npt.NDArray[np.int32]]:
        """Ids of each text, given in UTF-8. Special tokens that a text spells out are text."""
        encodings = self._tokenizer.encode_batch_fast([text.decode() for text in texts], add_special_tokens=False)
        return [np.array(encoding.ids, np.int32) for encoding in encodings]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids below the vocabulary size; special tokens write nothing."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)


def _special_tokens(config: Mapping[str, Any]) -> dict[str, str]:
    """Special tokens by field (`eos_token`, ...); a token is a string, or an object with its `content`."""
    named = {
        field: value
        for field, value in config.items()
        if field.endswith("_token") and value and not isinstance(value, bool)
    }
    further = config.get("additional_special_tokens") or []
    fields = named | {f"additional_special_tokens[{i}]": value for i, value in enumerate(further)}
    return {field: value["content"] if isinstance(value, dict) else value for field, value in fields.items()}
