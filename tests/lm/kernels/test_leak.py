"""The leak test finds what leaks and nothing else, and our own attention does not leak."""

import functools

import jax
import jax.numpy as jnp
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.lm.kernels.attention.attention import attention
from tanuki_jax.lm.kernels.attention.chunked import chunked
from tanuki_jax.lm.kernels.attention.operands import Operands
from tests.lm.kernels.leak import Attend, Leak, differentiated, leaks, main

pytestmark = pytest.mark.thorough

small = functools.partial(leaks, lengths=((9, 1, 14), (20, 12)), time=32, head_dim=8, dtype="float32")


def ours(q: jax.Array, k: jax.Array, v: jax.Array, segment_ids: jax.Array, positions: jax.Array) -> jax.Array:
    return attention(q, k, v, segment_ids, segment_ids, positions, positions, backend="reference")[0]


def blocks_of_eight(
    q: jax.Array, k: jax.Array, v: jax.Array, segment_ids: jax.Array, positions: jax.Array
) -> jax.Array:
    operands = Operands(q, k, v, segment_ids, segment_ids, positions, positions)
    return chunked(operands, causal=True, window=None, queries=8)[0]


def without_segments(
    q: jax.Array, k: jax.Array, v: jax.Array, segment_ids: jax.Array, positions: jax.Array
) -> jax.Array:
    return jax.nn.dot_product_attention(q, k, v, is_causal=True)


def in_output(q: jax.Array, k: jax.Array, v: jax.Array, segment_ids: jax.Array, positions: jax.Array) -> jax.Array:
    out = ours(q, k, v, segment_ids, positions)
    return out + jax.lax.stop_gradient(without_segments(q, k, v, segment_ids, positions) - out)


def in_gradient(q: jax.Array, k: jax.Array, v: jax.Array, segment_ids: jax.Array, positions: jax.Array) -> jax.Array:
    out = without_segments(q, k, v, segment_ids, positions)
    return jax.lax.stop_gradient(ours(q, k, v, segment_ids, positions)) + (out - jax.lax.stop_gradient(out))


@pytest.mark.parametrize("attend", [ours, blocks_of_eight])
def test_our_backends_do_not_leak(attend: Attend) -> None:
    assert small(differentiated(attend)) == []


def test_leaks_without_segments_go_forwards_in_outputs_backwards_in_dk_dv() -> None:
    leaked = small(differentiated(without_segments))
    assert Leak("output", (0, 1), (0, 3)) in leaked
    assert Leak("dk", (0, 3), (0, 1)) in leaked
    assert Leak("dv", (1, 2), (1, 1)) in leaked
    assert Leak("output", (0, 3), (0, 1)) not in leaked
    assert all(leak.changed[0] == leak.moved[0] for leak in leaked)


@pytest.mark.parametrize(("attend", "results"), [(in_output, {"output"}), (in_gradient, {"dq", "dk", "dv"})])
def test_a_leak_in_one_pass_is_found_in_that_pass(attend: Attend, results: set[str]) -> None:
    assert {leak.result for leak in small(differentiated(attend))} == results


def test_padding_that_documents_can_see_is_a_leak() -> None:
    def attend(q: jax.Array, k: jax.Array, v: jax.Array, segment_ids: jax.Array, positions: jax.Array) -> jax.Array:
        return ours(q, k, v, segment_ids, positions) + jnp.where(segment_ids == 0, v[:, :, 0, 0], 0).sum()

    assert Leak("output", (0, 0), (1, 2)) in small(differentiated(attend))


def test_an_attention_that_is_not_deterministic_is_refused() -> None:
    calls = iter(range(10))
    run = differentiated(ours)
    with pytest.raises(InputError, match="make it deterministic"):
        small(lambda *arrays: [x + next(calls) for x in run(*arrays)])


def test_the_command_prints_what_leaks_and_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(f"{__name__}:without_segments", head_dim=8) == 1
    assert "output of document 2 of row 0 moved when document 1 of row 0 changed" in capsys.readouterr().out
    assert main(f"{__name__}:ours", head_dim=8) == 0
    assert capsys.readouterr().out == "no bit of any document moved when another changed\n"
