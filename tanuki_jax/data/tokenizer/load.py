"""Tokenizers as the rest of the house sees them: text to ids and back, whoever made the file."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError
from tanuki_jax.data.tokenizer.hugging_face_backend import HuggingFace
from tanuki_jax.data.tokenizer.sentencepiece_backend import SentencePiece
from tanuki_jax.data.tokenizer.special_pieces import END, END_OF_DOCUMENT

MODEL = "tokenizer.model"
JSON = "tokenizer.json"
_ENDS = (END, "<|endoftext|>", "<|end_of_text|>")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Backend(Protocol):
    """What an encoder brings: piece names, ids from UTF-8, text from ids."""

    vocabulary: int
    bos: str | None
    eos: str | None
    special: Mapping[str, int]

    def id_of(self, piece: str) -> int | None: ...

    def encode_batch(self, texts: Sequence[bytes]) -> list[npt.NDArray[np.int32]]: ...

    def decode(self, ids: Sequence[int]) -> str: ...


class Tokenizer:
    """Text to ids and back. No text, whatever it spells, becomes the end-of-document token.

    Attributes:
        vocabulary: number of ids, special tokens included; every id is below it.
        eod: the id that ends a document in a token store: `<EOD>`, else the end-of-sequence token.
        bos: the id that begins a sequence; None if the tokenizer has none.
        eos: the id that ends a sequence, such as an answer; `eod` if the tokenizer has none.
        special: ids of the tokens that no text becomes, by their names.
        fingerprint: equal for two tokenizers if and only if they were read from the same bytes and end documents alike.
    """

    def __init__(self, backend: Backend, content: bytes) -> None:
        """Wraps an encoder that was read from `content`. LookupError if it has no token that could end a document."""
        self._backend = backend
        self.vocabulary = backend.vocabulary
        bos = _ids(backend, backend.bos)
        ends = _ids(backend, END_OF_DOCUMENT, backend.eos, *_ENDS)
        if not ends:
            raise LookupError(f"no {END_OF_DOCUMENT}, no end-of-sequence token, no {', '.join(_ENDS)}")
        end, eod = next(iter(ends.items()))
        self.eod = eod
        self.bos = next(iter(bos.values()), None)
        self.eos = next(iter(_ids(backend, backend.eos).values()), eod)
        self.special = {**backend.special, **bos, **{name: id for name, id in ends.items() if id in (eod, self.eos)}}
        self.fingerprint = hashlib.sha256(content + b"\0%d" % eod).hexdigest()
        self._spelled_eod = self._spell_out(end)

    def _spell_out(self, name: str) -> npt.NDArray[np.int32] | None:
        """Ids of the end-of-document token's name as mere text, where the encoder would make the token of it; else None."""
        [whole] = self._backend.encode_batch([name.encode()])
        if self.eod not in whole:
            return None
        return np.concatenate(self._backend.encode_batch([name[:1].encode(), name[1:].encode()]))

    def encode(self, text: str) -> list[int]:
        """Ids of a text; nothing is added at its ends. A lone surrogate counts as U+FFFD."""
        ids: list[int] = self.encode_batch([text])[0].tolist()
        return ids

    def encode_batch(self, texts: Sequence[str]) -> list[npt.NDArray[np.int32]]:
        """As `encode`, several at once: read-only int32[T] for each text. The fastest way to many ids."""
        arrays = self._backend.encode_batch([_utf8(text) for text in texts])
        if self._spelled_eod is None:
            return arrays
        return [self._without_eod(ids, self._spelled_eod) for ids in arrays]

    def _without_eod(self, ids: npt.NDArray[np.int32], spelled: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        first, *others = np.split(ids, np.flatnonzero(ids == self.eod))
        return np.concatenate([first, *(part for other in others for part in (spelled, other[1:]))])

    def decode(self, ids: Iterable[int]) -> str:
        """Text of ids. Special tokens write nothing, nor do ids outside the vocabulary (padding rows of an embedding)."""
        return self._backend.decode([int(i) for i in ids if 0 <= i < self.vocabulary])


def _ids(backend: Backend, *names: str | None) -> dict[str, int]:
    """Ids of those names that are a piece's."""
    return {name: id for name in names if name is not None and (id := backend.id_of(name)) is not None}


def load(path: str | Path) -> Tokenizer:
    """The tokenizer at `path`: a folder made by training, a SentencePiece `.model`, or a Hugging Face `tokenizer.json`.

    InputError if there is none, if it cannot be read, or if it has no token that could end a document.
    """
    file = find_file(path)
    content = file.read_bytes()
    try:
        backend = SentencePiece(content) if file.suffix == ".model" else HuggingFace(file)
    except Exception as error:  # the libraries raise RuntimeError and bare Exception
        raise InputError(f"{file} is not a tokenizer that can be read: {error}") from error
    try:
        return Tokenizer(backend, content)
    except LookupError as error:
        raise InputError(f"{file} has no token that could end a document: {error}") from error


def find_file(path: str | Path) -> Path:
    """The file that decides how text is encoded: `path` itself, or in a folder `tokenizer.model`, else `tokenizer.json`."""
    path = Path(path)
    if path.is_dir():
        found = next((path / name for name in (MODEL, JSON) if (path / name).is_file()), None)
        if found is None:
            raise InputError(f"the folder {path} has neither {MODEL} nor {JSON}")
        return found
    if not path.is_file():
        raise InputError(f"there is no tokenizer at {path}")
    if path.suffix not in (".model", ".json"):
        raise InputError(
            f"{path} is neither a SentencePiece .model nor a Hugging Face tokenizer.json nor a folder with one of them"
        )
    return path


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return replace_surrogates(text).encode()


def replace_surrogates(text: str) -> str:
    """`text` with U+FFFD for every surrogate, which no UTF-8 can hold."""
    return _SURROGATE.sub("\ufffd", text)
