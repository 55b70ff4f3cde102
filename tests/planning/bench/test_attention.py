"""Cases of attention, their operations, and wrong results, which are not timed."""

import dataclasses
import functools
from typing import Any

import jax
import pytest

from tanuki_jax.lm.kernels.attention.attention import self_attention
from tanuki_jax.lm.model.flops import count
from tanuki_jax.planning.bench import attention, document_rows
from tanuki_jax.planning.bench.attention import DENSE_PEER, Case, Rows
from tanuki_jax.planning.bench.bench_results import CUDNN_SHARE, Figures, Key, Measurement, Result, take
from tanuki_jax.planning.bench.sizes import SIZES
from tanuki_jax.planning.bench.timing import Timing

OURS: Key = {"library": "tanuki_jax", "backend": "hopper"}


def rows(*lengths: tuple[int, ...]) -> Rows:
    return Rows("equal documents", "documents", lengths)


CASE = Case(rows=rows((20, 12), (32,)), heads=2, kv_heads=1, dim=16, backward=True)


def outcome(case: Case, attend: attention.Attend) -> Result:
    measure = functools.partial(attention._measure, case, attend)
    return take(Measurement("attention", case.name, "some", case.key, measure), 0.0, 1e9)


def test_plain_attention_is_right_forward_and_backward() -> None:
    for backward in (True, False):
        result = outcome(
            dataclasses.replace(CASE, backward=backward), functools.partial(self_attention, backend="chunked")
        )
        assert result.outcome == "measured", result.detail
        assert result.figures is not None and 0 < result.figures.error < 0.02


def test_attention_across_documents_is_wrong() -> None:
    def leaky(q: Any, k: Any, v: Any, segments: Any, positions: Any) -> jax.Array:
        return jax.nn.dot_product_attention(q, k, v, is_causal=True)

    assert outcome(CASE, leaky).outcome == "wrong"
    assert outcome(dataclasses.replace(CASE, rows=rows((32,), (32,))), leaky).outcome == "measured"


def test_useful_operations_are_products_over_visible_pairs() -> None:
    """Every pair is visible to attention without a mask, so the products of its jaxpr are the oracle, pair for pair."""
    time = 8
    q, k, v, gradient, *_ = attention.inputs(dataclasses.replace(CASE, rows=rows((time,)), kv_heads=CASE.heads))

    def plain(q: Any, k: Any, v: Any) -> jax.Array:
        weights = jax.nn.softmax(jax.numpy.einsum("bthd,bshd->bhts", q, k))
        return jax.numpy.einsum("bhts,bshd->bthd", weights, v)

    forward = count(jax.make_jaxpr(plain)(q, k, v).jaxpr)
    both = count(jax.make_jaxpr(lambda *x: jax.vjp(plain, *x)[1](gradient))(q, k, v).jaxpr)
    pairs = document_rows.visible_pairs(CASE.lengths)
    assert dataclasses.replace(CASE, backward=False).flops == forward / time**2 * pairs
    # A kernel that keeps no scores computes them again; for attention this counts as useful by convention.
    assert CASE.flops == (both + forward / 2) / time**2 * pairs


def test_cases_of_the_targets_are_measured_first() -> None:
    cases = list(attention.cases(SIZES["full"]))
    first = [case for case in cases if case.first]
    assert first == cases[: len(first)]
    assert {(case.time, case.dim) for case in first} == {(8192, 128)}
    assert {case.time for case in cases if not case.packed} == {2048, 4096, 8192, 16_384}
    assert {case.dim for case in cases} == {64, 128}
    assert all(case.tokens == 16_384 for case in cases if not case.packed)


def test_packed_rows_are_compared_with_cudnn_by_time_per_token() -> None:
    def result(case: Case, variant: Key, seconds: float) -> Result:
        figures = Figures(timing=Timing(seconds, seconds, seconds, 1), tokens=case.tokens)
        key = {**case.key, **variant}
        return Result(
            benchmark="attention", case=case.name, variant="some", key=key, outcome="measured", figures=figures
        )

    one, equal, *_ = (case for case in attention.cases(SIZES["full"]) if case.first and case.backward)
    results = [result(one, DENSE_PEER, 1.0), result(one, OURS, 2.0), result(equal, OURS, 0.8)]
    compared = attention.with_cudnn_shares(results)
    assert compared[:2] == results[:2]
    assert compared[2].figures is not None
    # Four times the tokens in four fifths of the time.
    assert compared[2].figures.notes == {CUDNN_SHARE: pytest.approx(0.2)}
    assert attention.with_cudnn_shares(results[1:]) == results[1:]
    forward = dataclasses.replace(one, backward=False)
    assert attention.with_cudnn_shares([result(forward, DENSE_PEER, 1.0), results[2]])[1] == results[2]
