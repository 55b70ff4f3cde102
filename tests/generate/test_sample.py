"""Which token is chosen, and what the loop makes of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.config.model import Model
from tanuki_jax.generate.sample import Sampling, choose, extend, next_logits
from tanuki_jax.model.llama import Params, initialise

MODEL = Model(vocabulary=50, width=32, hidden=48, layers=2, heads=4, kv_heads=2, initial_std=0.3)
GREEDY = Sampling(temperature=0, vocabulary=50)
NEVER = 50


@pytest.fixture(scope="module")
def params() -> Params:
    return initialise(MODEL, jax.random.key(0))


def keys(count: int) -> jax.Array:
    return jax.random.split(jax.random.key(1), count)


def test_at_temperature_0_the_most_probable_token_is_chosen() -> None:
    logits = jnp.asarray(np.random.default_rng(0).standard_normal((20, 50)).astype(np.float32))
    assert (choose(logits, keys(20), GREEDY) == logits.argmax(1)).all()
    assert (choose(logits, keys(20), Sampling(temperature=0, vocabulary=30)) == logits[:, :30].argmax(1)).all()


@pytest.mark.parametrize(("temperature", "top_k"), [(1.0, 0), (0.5, 0), (2.0, 3), (1.0, 1), (1.0, 100)])
def test_tokens_are_drawn_with_the_probabilities_of_a_softmax(temperature: float, top_k: int) -> None:
    logits = np.array([0.1, 2.0, -1.0, 1.0, 1.5, 9.0], np.float32)
    draws = 20_000
    sampling = Sampling(temperature=temperature, top_k=top_k, vocabulary=5)
    drawn = choose(jnp.broadcast_to(logits, (draws, 6)), keys(draws), sampling)
    kept = np.sort(logits[:5])[-top_k:][0] if 0 < top_k < 5 else -np.inf
    weights = np.where(logits[:5] >= kept, np.exp(logits[:5] / temperature), 0)
    expected = np.append(weights / weights.sum(), 0)
    found = np.bincount(np.asarray(drawn), minlength=6) / draws
    assert (np.abs(found - expected) <= 5 * np.sqrt(expected * (1 - expected) / draws)).all()


def test_what_stands_after_a_row_does_not_matter(params: Params) -> None:
    random = np.random.default_rng(0)
    rows = random.integers(0, 50, (3, 12)).astype(np.int32)
    lengths = np.array([1, 7, 12], np.int32)
    together = next_logits(params, jnp.asarray(rows), jnp.asarray(lengths), MODEL)
    for row, length, logits in zip(rows, lengths, together, strict=True):
        alone = next_logits(params, jnp.asarray(row[None, :length]), jnp.asarray([length]), MODEL)[0]
        np.testing.assert_allclose(logits, alone, rtol=1e-4, atol=1e-4)


def by_hand(params: Params, row: list[int], count: int, eod: int) -> list[int]:
    row = list(row)
    for _ in range(count):
        best = int(next_logits(params, jnp.asarray([row]), jnp.asarray([len(row)]), MODEL)[0].argmax())
        if best == eod:
            break
        row.append(best)
    return row


def test_rows_of_a_batch_grow_as_they_would_alone(params: Params) -> None:
    prompts = [[3], [5, 9, 2, 2], [7, 8, 9, 10, 11, 12, 13]]
    unstopped = [by_hand(params, prompt, 4, NEVER) for prompt in prompts]
    eod = unstopped[1][6]
    expected = [by_hand(params, prompt, 4, eod) for prompt in prompts]
    assert len(expected[1]) < len(unstopped[1]), "one row has to end early"
    buffer = np.zeros((3, 11), np.int32)
    for line, prompt in zip(buffer, prompts, strict=True):
        line[: len(prompt)] = prompt
    lengths = jnp.asarray([len(prompt) for prompt in prompts], jnp.int32)
    rows, ends = extend(params, jnp.asarray(buffer), lengths, jax.random.key(0), model=MODEL, sampling=GREEDY, count=4, eod=eod)
    assert [row[:end].tolist() for row, end in zip(np.asarray(rows), ends.tolist(), strict=True)] == expected


def test_draws_depend_on_the_seed_and_the_row(params: Params) -> None:
    sampling = Sampling(temperature=1.0, vocabulary=50)
    buffer, lengths = jnp.full((4, 20), 3, jnp.int32), jnp.ones(4, jnp.int32)

    def drawn(seed: int, rows: int) -> list[list[int]]:
        tokens, _ = extend(params, buffer[:rows], lengths[:rows], jax.random.key(seed), model=MODEL, sampling=sampling, count=19, eod=NEVER)
        found: list[list[int]] = tokens.tolist()
        return found

    assert drawn(0, 4) == drawn(0, 4)
    assert drawn(0, 4)[:2] == drawn(0, 2)
    assert drawn(0, 4) != drawn(1, 4)
    assert len({tuple(row) for row in drawn(0, 4)}) == 4
