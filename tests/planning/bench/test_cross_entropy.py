"""Linear + cross-entropy: useful operations, and wrong results, which are not timed."""

import functools

import pytest

from tanuki_jax.planning.bench import cross_entropy
from tanuki_jax.planning.bench.bench_results import Measurement, Result, take
from tanuki_jax.planning.bench.cross_entropy import Case
from tanuki_jax.planning.bench.sizes import SIZES


def outcome(counted: int, backward: bool, loss: cross_entropy.Loss) -> Result:
    case = Case(rows=2, time=16, width=8, vocabulary=33, counted=counted, backward=backward)
    measure = functools.partial(cross_entropy._measure, case, loss)
    return take(Measurement("cross-entropy", case.name, "", case.key, measure), 0.0, 1e9)


@pytest.mark.parametrize("backward", [True, False])
@pytest.mark.parametrize("counted", [32, 8])
def test_ours_and_all_logits_at_once_agree_with_float32(counted: int, backward: bool) -> None:
    for loss in (cross_entropy.ours, cross_entropy._naive):
        result = outcome(counted, backward, loss)
        assert result.outcome == "measured", result.detail


def test_a_sum_is_compared_with_the_sum() -> None:
    assert outcome(8, True, lambda *x: cross_entropy._naive(*x).sum()).outcome == "measured"
    assert outcome(8, True, lambda *x: 1.1 * cross_entropy._naive(*x).sum()).outcome == "wrong"


def test_tokens_of_weight_zero_are_no_useful_work() -> None:
    full, quarter = (case for case in cross_entropy.cases(SIZES["full"]) if case.backward)
    assert full.flops == 3 * 2 * 16_384 * 4096 * 65_024
    assert quarter.flops == full.flops / 4
