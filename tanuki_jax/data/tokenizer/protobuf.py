"""The protocol buffer inside a SentencePiece `.model` file."""

from typing import Any

from sentencepiece import sentencepiece_model_pb2

NORMAL, CONTROL, USER_DEFINED = 1, 3, 4
"""Types of pieces: learned; a token that no text becomes; a text that always becomes one piece."""
UNIGRAM = 1
"""Type of a model."""


def parse(model: bytes) -> Any:
    """The `ModelProto` in the content of a `.model` file that SentencePiece itself has read or written."""
    return sentencepiece_model_pb2.ModelProto.FromString(model)  # type: ignore[attr-defined]
