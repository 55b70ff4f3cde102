"""Encoding with a SentencePiece model."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import sentencepiece


class SentencePiece:
    """A SentencePiece `.model`."""

    def __init__(self, model: bytes) -> None:
        """Read the content of a `.model` file. RuntimeError if it is not one."""
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        self.vocabulary = self._processor.get_piece_size()
        self.bos = self._name_of(self._processor.bos_id())
        self.eos = self._name_of(self._processor.eos_id())
        self.pad = self._name_of(self._processor.pad_id())
        control = (piece for piece in range(self.vocabulary) if self._processor.is_control(piece))
        self.special: Mapping[str, int] = {self._processor.id_to_piece(piece): piece for piece in control}

    def _name_of(self, piece: int) -> str | None:
        return self._processor.id_to_piece(piece) if piece >= 0 else None

    def id_of(self, piece: str) -> int | None:
        """Return the id of a piece; None if the vocabulary does not have it."""
        id = self._processor.piece_to_id(piece)
        return None if self._processor.is_unknown(id) else id

    def encode_batch(self, texts: Sequence[bytes]) -> list[npt.NDArray[np.int32]]:
        """Encode texts in UTF-8, on one thread and without the GIL."""
        arrays: list[npt.NDArray[np.int32]] = self._processor.encode(list(texts), num_threads=1, return_type="numpy")
        return arrays

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids below the vocabulary size; control pieces give no text."""
        text: str = self._processor.decode(list(ids))
        return text
