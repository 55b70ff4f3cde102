"""One interface to tokenizers of SentencePiece and Hugging Face: text to ids and back."""

import functools
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError
from tanuki_jax.data.tokenizer.hugging_face_backend import CONFIG, HuggingFace
from tanuki_jax.data.tokenizer.sentencepiece_backend import SentencePiece
from tanuki_jax.data.tokenizer.special_pieces import END, END_OF_DOCUMENT

MODEL = "tokenizer.model"
JSON = "tokenizer.json"
_ENDS = (END, "<|endoftext|>", "<|end_of_text|>")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Backend(Protocol):
    """Methods that the adapter of a library provides: piece names, ids from UTF-8, text from ids."""

    vocabulary: int
    bos: str | None
    eos: str | None
    pad: str | None
    special: Mapping[str, int]
    strips: Mapping[int, tuple[bool, bool]]
    undecided: frozenset[int]

    def id_of(self, piece: str) -> int | None: ...

    def piece_bytes(self, id: int) -> bytes | None: ...

    def encode_batch(self, texts: Sequence[bytes], *, continued: bool = False) -> list[npt.NDArray[np.int32]]: ...

    def decode(self, ids: Sequence[int]) -> str: ...


class Tokenizer:
    """Encoder and decoder of text. No text, whatever it spells, becomes the end-of-document token.

    Attributes:
        vocabulary: number of ids, special tokens included; every id is below it.
        eod: id that ends a document in a token store: `<EOD>`, else the end-of-sequence token.
        bos: id that begins a sequence; None if the tokenizer has none.
        eos: id that ends a sequence, such as an answer; `eod` if the tokenizer has none.
        pad: id that fills rows; None if the tokenizer has none.
        special: ids by name of the tokens that no text becomes.
        strips: id of a special token -> whether it takes white space before it, and behind it.
        undecided: ids of single bytes, where the text of several in a row may depend on all of them.
        fingerprint: equal for two tokenizers if and only if they have the same `eod` and were read from the same bytes.
    """

    def __init__(self, backend: Backend, content: bytes) -> None:
        """Wrap an encoder that was read from `content`. LookupError if it has no token that could end a document."""
        self._backend = backend
        self.vocabulary = backend.vocabulary
        bos = _known_ids(backend, backend.bos)
        ends = _known_ids(backend, END_OF_DOCUMENT, backend.eos, *_ENDS)
        if not ends:
            raise LookupError(f"no {END_OF_DOCUMENT}, no end-of-sequence token, no {', '.join(_ENDS)}")
        end, eod = next(iter(ends.items()))
        self.eod = eod
        self.bos = next(iter(bos.values()), None)
        self.eos = next(iter(_known_ids(backend, backend.eos).values()), eod)
        self.pad = next(iter(_known_ids(backend, backend.pad).values()), None)
        self.special = {**backend.special, **bos, **{name: id for name, id in ends.items() if id in (eod, self.eos)}}
        self.strips, self.undecided = backend.strips, backend.undecided
        self.fingerprint = hashlib.sha256(content + b"\0%d" % eod).hexdigest()
        self._spelled_eod = self._spell_out(end)

    def _spell_out(self, name: str) -> npt.NDArray[np.int32] | None:
        """Return the ids that spell the end-of-document token's name; None if the encoder never returns the token."""
        [ids] = self._backend.encode_batch([name.encode()])
        if self.eod not in ids:
            return None
        return np.concatenate(self._backend.encode_batch([name[:1].encode(), name[1:].encode()]))

    def id_of(self, piece: str) -> int | None:
        """Return the id of a piece or special token; None if the vocabulary does not have it."""
        return self._backend.id_of(piece)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, without tokens that begin or end a sequence. A lone surrogate counts as U+FFFD."""
        ids: list[int] = self.encode_batch([text])[0].tolist()
        return ids

    def encode_batch(self, texts: Sequence[str], *, continued: bool = False) -> list[npt.NDArray[np.int32]]:
        """Return read-only int32[T] for each text, as `encode` does for one; faster than many calls of it.

        `continued` texts follow a special token or other text: they get no blank of a tokenizer that puts one before
        the beginning of a text alone.
        """
        arrays = self._backend.encode_batch([_utf8(text) for text in texts], continued=continued)
        if self._spelled_eod is None:
            return arrays
        return [self._without_eod(ids, self._spelled_eod) for ids in arrays]

    def _without_eod(self, ids: npt.NDArray[np.int32], spelled: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Return the ids with each end-of-document token replaced by the ids that spell its name."""
        first, *others = np.split(ids, np.flatnonzero(ids == self.eod))
        return np.concatenate([first, *(part for other in others for part in (spelled, other[1:]))])

    def piece_bytes(self, id: int) -> bytes | None:
        """Return the bytes that an id adds to a text, where it is not the first; None for tokens without text."""
        return None if id in self.special.values() else self._backend.piece_bytes(id)

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ids. Special tokens and ids outside the vocabulary (embedding padding) give no text."""
        return self._backend.decode([int(i) for i in ids if 0 <= i < self.vocabulary])


def _known_ids(backend: Backend, *names: str | None) -> dict[str, int]:
    """Return name -> id for the names that are in the vocabulary."""
    return {name: id for name in names if name is not None and (id := backend.id_of(name)) is not None}


def load(path: str | Path) -> Tokenizer:
    """Load a tokenizer from its folder, from a SentencePiece `.model` or from a Hugging Face `tokenizer.json`.

    InputError if `path` does not exist, is not a tokenizer, or has no token that could end a document.
    """
    file = find_file(path)
    content = file.read_bytes()
    try:
        return Tokenizer(_backend(file, content), content)
    except LookupError as error:
        raise InputError(f"{file} has no token that could end a document: {error}") from error


def find_file(path: str | Path) -> Path:
    """Return the file that determines how text is encoded: `path`, or in a folder MODEL, else JSON.

    If both are in a folder and have different numbers of pieces, it is JSON, as for transformers: tokens were added to
    it. InputError if there is no such file.
    """
    path = Path(path)
    if path.is_dir():
        files = [path / name for name in (MODEL, JSON) if (path / name).is_file()]
        if files:
            return files[0] if len(files) == 1 or same_pieces(*files) else files[1]
        raise InputError(f"the folder {path} has neither {MODEL} nor {JSON}")
    if not path.is_file():
        raise InputError(f"there is no tokenizer at {path}")
    if path.suffix not in (".model", ".json"):
        raise InputError(
            f"{path} is neither a SentencePiece .model nor a Hugging Face tokenizer.json nor a folder with one of them"
        )
    return path


def same_pieces(one: Path, other: Path) -> bool:
    """Whether two files of tokenizers have the same number of pieces. InputError if one cannot be read."""
    return _pieces(one, one.stat().st_mtime_ns) == _pieces(other, other.stat().st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _pieces(file: Path, changed: int) -> int:
    return _backend(file, file.read_bytes()).vocabulary


def _backend(file: Path, content: bytes) -> Backend:
    try:
        if file.suffix == ".model":
            config = file.with_name(CONFIG)
            legacy = config.is_file() and bool(json.loads(config.read_text(encoding="utf-8")).get("legacy"))
            return SentencePiece(content, legacy=legacy)
        return HuggingFace(file)
    except Exception as error:  # the libraries raise RuntimeError and bare Exception
        raise InputError(f"{file} is not a tokenizer that can be read: {error}") from error


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return replace_surrogates(text).encode()


def replace_surrogates(text: str) -> str:
    """Return `text` with U+FFFD in place of every surrogate, which UTF-8 cannot encode."""
    return _SURROGATE.sub("\ufffd", text)
