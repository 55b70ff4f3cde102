"""Encoding of a batch whose texts are encoded in one of two ways."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt


def encode_two_ways[Text](
    encode: Callable[[list[Text], bool], Sequence[npt.NDArray[np.int32]]], texts: Sequence[Text], flags: Sequence[bool]
) -> list[npt.NDArray[np.int32]]:
    """Return the ids of each text, int32[T], from two calls of `encode`.

    Args:
        encode: called with all texts of one flag, and that flag.
        texts: any number of texts.
        flags: which way each text is encoded.
    """
    ids: dict[int, npt.NDArray[np.int32]] = {}
    for way in (False, True):
        numbers = [number for number, flag in enumerate(flags) if flag == way]
        ids |= dict(zip(numbers, encode([texts[number] for number in numbers], way), strict=True))
    return [ids[number] for number in range(len(texts))]
