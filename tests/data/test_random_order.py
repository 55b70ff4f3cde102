from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.data.random_order import draws, shuffle, shuffled


def test_draws_are_the_raw_output_of_philox() -> None:
    assert draws(3, ("a", 1)).tolist() == [15623407591628994962, 1782839811715570076, 5835668577869973284]


@given(sizes=st.lists(st.integers(0, 50), max_size=12), part=st.integers(1, 300), seed=st.integers(0, 9))
def test_an_order_on_disk_is_that_in_memory(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], part: int, seed: int
) -> None:
    numbers = np.arange(sum(sizes)) * 7
    folder = tmp_path_factory.getbasetemp()
    blocks = np.split(numbers, np.cumsum(sizes)[:-1]) if sizes else []
    with shuffled(lambda: blocks, len(numbers), ("purpose", seed), folder, part_items=part) as ordered:
        assert ordered.tolist() == numbers[shuffle(len(numbers), ("purpose", seed))].tolist()


def test_an_order_on_disk_is_mapped_and_leaves_no_file(tmp_path: Path) -> None:
    with shuffled(lambda: [np.arange(1000)], 1000, ("a",), tmp_path, part_items=64) as ordered:
        assert sorted(ordered.tolist()) == list(range(1000)) and not ordered.flags.owndata
        assert not ordered.flags.writeable and list(tmp_path.iterdir()) == []
