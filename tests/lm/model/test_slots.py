"""Rows for experts, against lists that are filled one choice after another."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tanuki_jax.lm.model.slots import Slots, assign, collect, scatter_tokens

pytestmark = pytest.mark.thorough

TOKENS, EXPERTS, WIDTH = 7, 4, 3
BUFFERS = [(1, 14, 2), (1, 5, 2), (2, 3, 2), (4, 7, 1), (1, 1, 3)]
"""Segments, rows of each, and choices of a token."""
CHOICES = st.lists(
    st.one_of(st.integers(0, EXPERTS - 1), st.sampled_from([EXPERTS, -1, EXPERTS + 5])), min_size=21, max_size=21
)

type Integers = npt.NDArray[np.int32]


@functools.partial(jax.jit, static_argnames=("segments", "rows"))
def assigned(experts_nk: jax.Array, segments: int, rows: int) -> Slots:
    return assign(experts_nk, EXPERTS, segments=segments, rows=rows)


def as_choices(flat: list[int], each: int) -> Integers:
    return np.array(flat[: TOKENS * each], np.int32).reshape(TOKENS, each)


def by_hand(experts_nk: Integers, segments: int, rows: int) -> tuple[list[int], list[int]]:
    """Return the choice of each row and the rows of each expert."""
    choices, sizes = [], []
    for segment in range(segments):
        held: list[int] = []
        for expert in range(segment * EXPERTS // segments, (segment + 1) * EXPERTS // segments):
            wanted = [choice for choice, of in enumerate(experts_nk.ravel()) if of == expert]
            fitting = wanted[: rows - len(held)]
            held += fitting
            sizes.append(len(fitting))
        choices += held + [experts_nk.size] * (rows - len(held))
    return choices, sizes


@pytest.mark.parametrize(("segments", "rows", "each"), BUFFERS)
@settings(max_examples=40)
@given(flat=CHOICES)
@example(flat=[EXPERTS] * 21)
@example(flat=[2] * 21)
@example(flat=[3, 2, 1, 0] * 5 + [3])
def test_rows_are_sorted_by_expert_and_overflow_has_none(segments: int, rows: int, each: int, flat: list[int]) -> None:
    experts_nk = as_choices(flat, each)
    slots = assigned(experts_nk, segments, rows)
    choices, sizes = by_hand(experts_nk, segments, rows)
    assert slots.choices_s.tolist() == choices
    assert slots.sizes_e.tolist() == sizes
    places = {choice: row for row, choice in enumerate(choices)}
    assert slots.rows_nk.ravel().tolist() == [places.get(choice, segments * rows) for choice in range(experts_nk.size)]
    assert {part.dtype for part in slots} == {jnp.dtype("int32")}


@jax.jit
def through_slots(
    x_nd: jax.Array, rows_sd: jax.Array, weights_nk: jax.Array, slots: Slots, gradients: tuple[jax.Array, jax.Array]
) -> list[jax.Array]:
    """Values and gradients of `spread` and `collect`."""
    spread_sd, to_tokens = jax.vjp(lambda x: scatter_tokens(x, slots), x_nd)
    collected_nd, to_rows = jax.vjp(lambda rows, weights: collect(rows, weights, slots), rows_sd, weights_nk)
    return [spread_sd, *to_tokens(gradients[0]), collected_nd, *to_rows(gradients[1])]


def loops(
    x_nd: npt.NDArray[np.float32],
    rows_sd: npt.NDArray[np.float32],
    weights_nk: npt.NDArray[np.float32],
    slots: Slots,
    gradients: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
) -> list[npt.NDArray[np.float32]]:
    """Compute the same, choice by choice."""
    spread_sd, to_x, collected_nd, to_rows, to_weights = (
        np.zeros_like(a) for a in (rows_sd, x_nd, x_nd, rows_sd, weights_nk)
    )
    for (token, choice), row in np.ndenumerate(np.asarray(slots.rows_nk)):
        if row < len(rows_sd):
            spread_sd[row] = x_nd[token]
            to_x[token] += gradients[0][row]
            collected_nd[token] += weights_nk[token, choice] * rows_sd[row]
            to_rows[row] = weights_nk[token, choice] * gradients[1][token]
            to_weights[token, choice] = rows_sd[row] @ gradients[1][token]
    return [spread_sd, to_x, collected_nd, to_rows, to_weights]


@pytest.mark.parametrize(("segments", "rows", "each"), BUFFERS)
@settings(max_examples=40)
@given(flat=CHOICES, seed=st.integers(0, 2**32 - 1))
def test_tokens_go_to_their_rows_and_back_and_so_do_gradients(
    segments: int, rows: int, each: int, flat: list[int], seed: int
) -> None:
    slots = assigned(as_choices(flat, each), segments, rows)
    random = np.random.default_rng(seed)

    def whole(*shape: int) -> npt.NDArray[np.float32]:
        """Whole numbers, whose sums are exact."""
        return random.integers(-9, 10, shape).astype(np.float32)

    buffer, tokens = (segments * rows, WIDTH), (TOKENS, WIDTH)
    arrays = (whole(*tokens), whole(*buffer), whole(TOKENS, each), slots, (whole(*buffer), whole(*tokens)))
    for ours, expected in zip(through_slots(*arrays), loops(*arrays), strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_sums_over_choices_are_rounded_once() -> None:
    slots = assigned(np.array([[0, 1]] * TOKENS, np.int32), 1, 2 * TOKENS)
    rows_sd = jnp.where(jnp.arange(2 * TOKENS)[:, None] < TOKENS, 256.0, 1.0).astype(jnp.bfloat16) * jnp.ones(
        (1, WIDTH), jnp.bfloat16
    )
    collected = collect(rows_sd, jnp.array([[1.0, 1.0]] * TOKENS) * jnp.array([1.0, 3.0]), slots)
    assert collected.dtype == jnp.bfloat16
    np.testing.assert_array_equal(collected, jnp.bfloat16(259.0))
