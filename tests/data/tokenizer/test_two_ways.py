"""Texts that are encoded in one of two ways come back in their order."""

import numpy as np
import numpy.typing as npt
import pytest

from tanuki_jax.data.tokenizer.two_ways import encode_two_ways


def numbers(texts: list[str], negative: bool) -> list[npt.NDArray[np.int32]]:
    return [np.array([-int(text) if negative else int(text)], np.int32) for text in texts]


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [([True, False, True], [-1, 2, -3]), ([False] * 3, [1, 2, 3]), ([True] * 3, [-1, -2, -3]), ([], [])],
)
def test_each_text_is_encoded_its_way_in_its_place(flags: list[bool], wanted: list[int]) -> None:
    encoded = encode_two_ways(numbers, ["1", "2", "3"][: len(flags)], flags)
    assert [ids.tolist() for ids in encoded] == [[id] for id in wanted]
