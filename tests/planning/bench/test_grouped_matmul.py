"""Grouped products: loads, operations, and agreement of the peers with one product an expert."""

import functools

import numpy as np
import pytest

from tanuki_jax.planning.bench import grouped_matmul
from tanuki_jax.planning.bench.bench_results import Measurement, Result, take
from tanuki_jax.planning.bench.grouped_matmul import Case


def case(products: str) -> Case:
    sizes = grouped_matmul.skewed(48, 4)
    return Case(load="skewed", group_sizes=sizes, width=16, hidden=32, products=products)


def test_every_row_has_an_expert() -> None:
    assert grouped_matmul.balanced(10, 4) == (3, 3, 2, 2)
    sizes = grouped_matmul.skewed(32_768, 8)
    assert sum(sizes) == 32_768 and sizes[-1] == 0
    np.testing.assert_allclose(np.array(sizes[:-1]) / sizes[0], [1 / n for n in range(1, 8)], rtol=0.01)


def test_three_products_are_three_times_one() -> None:
    assert case("forward").flops == 2 * 48 * 16 * 32
    assert case("all three").flops == 3 * case("d-weight").flops == 3 * case("d-input").flops


@pytest.mark.parametrize("products", list(grouped_matmul.PRODUCTS))
def test_peers_are_checked_product_by_product(products: str) -> None:
    def outcome(name: str, grouped: grouped_matmul.Grouped) -> Result:
        measure = functools.partial(grouped_matmul._measure, case(products), grouped)
        return take(Measurement("grouped-matmul", "", name, {}, measure), 0.0, 1e9)

    ragged_dot = next(each.run for each in grouped_matmul.variants(case(products)) if each.backend == "ragged_dot")
    assert outcome("ragged_dot", ragged_dot).outcome == "measured"
    shuffled = outcome("shuffled", lambda x, w, sizes: ragged_dot(x, w[::-1], sizes))
    assert shuffled.outcome == "wrong"
