import numpy as np
import pytest

from tanuki_jax.data.loss_weights import from_codes, to_codes


def test_bytes_of_older_stores_keep_their_meaning() -> None:
    assert from_codes(np.array([0, 1], np.uint8)).tolist() == [0, 1] and to_codes(
        np.array([0, 1], np.float32)
    ).tolist() == [0, 1]


def test_hundredths_come_back_as_they_were() -> None:
    hundredths = (np.arange(101) / 100).astype(np.float32)
    codes = to_codes(hundredths)
    assert len(set(codes.tolist())) == 101 and from_codes(codes).tolist() == hundredths.tolist()


@pytest.mark.parametrize(("weight", "kept"), [(0.001, 0.01), (1 / 3, 0.33), (0.999, 1.0), (0.504, 0.5)])
def test_other_weights_are_rounded_and_none_becomes_0(weight: float, kept: float) -> None:
    assert from_codes(to_codes(np.array([weight], np.float32))).tolist() == [pytest.approx(kept)]
