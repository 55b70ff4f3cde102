"""Weights of tokens in the loss as a token store keeps them: a byte each.

0 is 0 and 1 is 1, as in stores that only say whether a token is learned; 2 to 100 are .01 to .99.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

_OF_CODE = np.concatenate((np.array([0, 1], np.float32), np.arange(1, 100, dtype=np.float32) / 100))


def to_codes(weights: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Return the codes, uint8[n], of weights from 0 to 1, float32[n], rounded to hundredths; only 0 becomes 0."""
    hundredths = np.clip(np.rint(weights * 100), np.where(weights > 0, 1, 0), 100)
    codes: npt.NDArray[np.uint8] = np.where(hundredths == 100, 1, np.where(hundredths > 0, hundredths + 1, 0)).astype(
        np.uint8
    )
    return codes


def from_codes(codes: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return the weights, float32[n], of codes, uint8[n]."""
    weights: npt.NDArray[np.float32] = _OF_CODE[codes]
    return weights
