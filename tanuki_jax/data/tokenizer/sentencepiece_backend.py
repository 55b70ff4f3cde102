"""Encoding with a SentencePiece model."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from tanuki_jax.data.tokenizer.special_pieces import SPACE
from tanuki_jax.data.tokenizer.two_ways import encode_two_ways

_BPE = 2
"""SentencePiece's type of a BPE model."""
_BLANKS = (b" ", SPACE.encode())
"""Blanks as texts and as pieces have them."""


class SentencePiece:
    """A SentencePiece `.model`."""

    strips: Mapping[int, tuple[bool, bool]] = {}

    def __init__(self, model: bytes, *, legacy: bool = False) -> None:
        """Read the content of a `.model` file. RuntimeError if it is not one.

        Args:
            model: content of the file.
            legacy: whether the model's dummy prefix also comes behind special tokens (`legacy` in transformers).
        """
        self._processor = self._without_prefix = sentencepiece.SentencePieceProcessor(model_proto=model)
        self._legacy = legacy
        if other := _without_dummy_prefix(model):
            self._without_prefix = sentencepiece.SentencePieceProcessor(model_proto=other)
        self.vocabulary = self._processor.get_piece_size()
        self.bos = self._name_of(self._processor.bos_id())
        self.eos = self._name_of(self._processor.eos_id())
        self.pad = self._name_of(self._processor.pad_id())
        control = (piece for piece in range(self.vocabulary) if self._processor.is_control(piece))
        self.undecided: frozenset[int] = frozenset()
        self.special: Mapping[str, int] = {self._processor.id_to_piece(piece): piece for piece in control}

    def _name_of(self, piece: int) -> str | None:
        return self._processor.id_to_piece(piece) if piece >= 0 else None

    def id_of(self, piece: str) -> int | None:
        """Return the id of a piece; None if the vocabulary does not have it."""
        id = self._processor.piece_to_id(piece)
        return None if self._processor.is_unknown(id) else id

    def piece_bytes(self, id: int) -> bytes | None:
        """Return what a piece adds to a text, where it is not the first; None for a control piece."""
        piece = self._processor.id_to_piece(id)
        if self._processor.is_control(id) or self._processor.is_unknown(id):
            return None
        return bytes([int(piece[3:-1], 16)]) if self._processor.is_byte(id) else piece.replace(SPACE, " ").encode()

    def encode_batch(self, texts: Sequence[bytes], *, continued: bool = False) -> list[npt.NDArray[np.int32]]:
        """Encode texts in UTF-8, on one thread and without the GIL.

        Like transformers, and unlike SentencePiece, a BPE model gives no dummy prefix to a text that begins with a
        blank.
        """
        if self._without_prefix is self._processor:
            return _encoded(self._processor, texts)
        bare = [(continued and not self._legacy) or text.startswith(_BLANKS) for text in texts]
        return encode_two_ways(
            lambda chosen, is_bare: _encoded(self._without_prefix if is_bare else self._processor, chosen), texts, bare
        )

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids below the vocabulary size; control pieces give no text."""
        text: str = self._processor.decode(list(ids))
        return text


def _encoded(processor: sentencepiece.SentencePieceProcessor, texts: Sequence[bytes]) -> list[npt.NDArray[np.int32]]:
    if len(texts) == 1:  # a list is encoded in another thread, whose start costs more than a short text
        return [processor.encode(texts[0], return_type="numpy")]
    arrays: list[npt.NDArray[np.int32]] = processor.encode(list(texts), num_threads=1, return_type="numpy")
    return arrays


def _without_dummy_prefix(model: bytes) -> bytes:
    """Return the content of a BPE model, as Llama's, without its dummy prefix; empty: it has none, or is another kind.

    Unigram models are exported as a `tokenizer.json` that has the prefix wherever SentencePiece has it.
    """
    parsed = sentencepiece_model_pb2.ModelProto.FromString(model)  # type: ignore[attr-defined]
    rule = parsed.normalizer_spec
    if parsed.trainer_spec.model_type != _BPE or rule.remove_extra_whitespaces or not rule.add_dummy_prefix:
        return b""
    parsed.normalizer_spec.add_dummy_prefix = False
    content: bytes = parsed.SerializeToString()
    return content
