"""Decoding with a cache, compared with a full forward pass, and with each row alone."""

import dataclasses
import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.config.model import Model
from tanuki_jax.inference.decode import SMALLEST_BUCKET, bucket, compiled_shape, decode_tokens, init_rows
from tanuki_jax.inference.sample import Sampling
from tanuki_jax.lm.model.transformer import Ops, hidden_states, initialise, output_matrix
from tanuki_jax.lm.model.weights import Params

pytestmark = pytest.mark.thorough

DENSE = Model(vocabulary=50, width=32, hidden=48, layers=2, heads=4, kv_heads=2, initial_std=0.3)
MOE = dataclasses.replace(DENSE, experts=4, router_logits="standardized")
GROUPS = dataclasses.replace(
    MOE, layers=3, dense_layers=1, window=5, global_every=2, qk_norm=True, explicit_head_dim=16
)
GREEDY = Sampling(vocabulary=50)
NEVER = (50,)
PROMPTS = [[3], [5, 9, 2, 2], list(range(7, 40)), [7, 8, 9, 10, 11, 12, 13]]


@functools.cache
def parameters(model: Model) -> Params:
    return initialise(model, jax.random.key(0))


def decoded(
    model: Model,
    prompts: list[list[int]],
    counts: list[int],
    end_ids: tuple[int, ...] = NEVER,
    sampling: Sampling = GREEDY,
    seeds: Sequence[int] = (),
    limit: int = 64,
) -> list[list[int]]:
    """Return the rows after one call for each of `counts`, the numbers of steps."""
    rows = init_rows(parameters(model), prompts, sum(counts), model, limit)
    keys = jax.vmap(jax.random.key)(np.array(seeds or range(len(prompts))))
    for count in counts:
        rows = decode_tokens(
            parameters(model), rows, keys, np.int32(count), model=model, sampling=sampling, end_ids=end_ids
        )
    return [
        row[:length].tolist() for row, length in zip(np.asarray(rows.tokens_bs), rows.lengths_b.tolist(), strict=True)
    ]


@functools.partial(jax.jit, static_argnames="model")
def next_token(params: Params, tokens_t: jax.Array, length: jax.Array, model: Model) -> jax.Array:
    """Return the most probable next token by a full forward pass."""
    tokens = tokens_t[None]
    positions = jnp.arange(tokens.shape[1])[None]
    states, _ = hidden_states(
        params,
        tokens,
        (positions < length).astype(jnp.int32),
        positions,
        model,
        Ops(),
        compute_dtype="float32",
    )
    return jnp.argmax(states[0, length - 1] @ output_matrix(params))


def without_cache(model: Model, row: list[int], count: int, end: int = 50) -> list[int]:
    buffer = np.zeros(64, np.int32)
    for length in range(len(row), len(row) + count):
        buffer[:length] = row
        if (best := int(next_token(parameters(model), jnp.asarray(buffer), jnp.int32(length), model))) == end:
            break
        row = [*row, best]
    return row


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(DENSE, id="dense", marks=pytest.mark.long),
        pytest.param(MOE, id="mixture", marks=pytest.mark.long),
        pytest.param(GROUPS, id="groups"),
    ],
)
def test_a_cache_gives_the_tokens_of_the_full_forward_pass(model: Model) -> None:
    unstopped = [without_cache(model, prompt, 12) for prompt in PROMPTS]
    end = unstopped[1][7]
    expected = [without_cache(model, prompt, 12, end) for prompt in PROMPTS]
    assert len(expected[1]) < len(unstopped[1]), "one row must end early"
    assert decoded(model, PROMPTS, [12], (end,)) == expected
    assert decoded(model, PROMPTS, [5, 1, 6], (end,)) == expected
    assert [decoded(model, [prompt], [12], (end,))[0] for prompt in PROMPTS] == expected


def test_a_row_ends_at_the_limit() -> None:
    (row,) = decoded(DENSE, [PROMPTS[2]], [50], limit=40)
    assert row == without_cache(DENSE, PROMPTS[2], 7) and len(row) == 40


def test_sampling_depends_on_the_row_s_key_and_the_step() -> None:
    sampled = functools.partial(decoded, DENSE, sampling=Sampling(temperature=1.0, vocabulary=50))
    four = sampled([[3]] * 4, [19], seeds=[1, 2, 3, 4])
    assert four == sampled([[3]] * 4, [9, 10], seeds=[1, 2, 3, 4])
    assert [four[2], four[0]] == sampled([[3]] * 2, [19], seeds=[3, 1])
    assert len({tuple(row) for row in four}) == 4


def test_generated_tokens_count_as_repetitions() -> None:
    plain, varied = (
        decoded(DENSE, [[3]], [30], sampling=Sampling(vocabulary=50, repetition_penalty=p))[0] for p in (1.0, 50.0)
    )
    assert len(set(varied)) == len(varied) > len(set(plain))


def test_buckets_are_few() -> None:
    assert {bucket(length, 100) for length in range(1, 101)} == {SMALLEST_BUCKET, 64, 100}


def test_prompts_of_one_bucket_have_one_compiled_shape() -> None:
    assert compiled_shape(20, 30, 1000) == compiled_shape(32, 32, 1000) == (32, 64)
    assert compiled_shape(32, 33, 1000) == (32, 128)
    assert compiled_shape(90, 500, 100) == (100, 100)
