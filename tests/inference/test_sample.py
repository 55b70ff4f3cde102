"""Sampling, compared with the probabilities of a softmax."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.inference.sample import Sampling, choose

GREEDY = Sampling(vocabulary=50)


def keys(count: int) -> jax.Array:
    return jax.random.split(jax.random.key(1), count)


def chosen(logits: jax.Array, sampling: Sampling, seen: jax.Array | None = None) -> jax.Array:
    return choose(logits, jnp.zeros(logits.shape, bool) if seen is None else seen, keys(len(logits)), sampling)


def test_at_temperature_0_the_most_probable_token_is_chosen() -> None:
    logits = jnp.asarray(np.random.default_rng(0).standard_normal((20, 50)).astype(np.float32))
    assert (chosen(logits, GREEDY) == logits.argmax(1)).all()
    assert (chosen(logits, Sampling(vocabulary=30)) == logits[:, :30].argmax(1)).all()


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [
        (1.0, 0, 1.0),
        (0.5, 0, 1.0),
        (2.0, 3, 1.0),
        (1.0, 1, 1.0),
        (1.0, 100, 1.0),
        (1.0, 0, 0.8),
        (0.7, 4, 0.5),
        (1.0, 0, 0.01),
    ],
)
def test_tokens_are_sampled_with_the_probabilities_of_a_softmax(temperature: float, top_k: int, top_p: float) -> None:
    logits = np.array([0.1, 2.0, -1.0, 1.0, 1.5, 9.0], np.float32)
    count = 20_000
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, vocabulary=5)
    sampled = chosen(jnp.broadcast_to(logits, (count, 6)), sampling)
    weights = np.exp(logits[:5] / temperature)
    order = np.argsort(-weights)[: top_k or 5]
    weights[np.setdiff1d(np.arange(5), order)] = 0
    shares = weights[order] / weights.sum()
    weights[order[np.cumsum(shares) - shares >= top_p]] = 0
    expected = np.append(weights / weights.sum(), 0)
    frequencies = np.bincount(np.asarray(sampled), minlength=6) / count
    assert (np.abs(frequencies - expected) <= 5 * np.sqrt(expected * (1 - expected) / count)).all()


def test_a_repetition_penalty_makes_contained_tokens_less_probable() -> None:
    logits, seen = jnp.asarray([[3.0, 2.0, -1.0, -1.1]] * 2), jnp.asarray([[True, False, True, False], [False] * 4])
    assert chosen(logits, Sampling(vocabulary=4, repetition_penalty=1.6), seen).tolist() == [1, 0]
    negative = jnp.asarray([[-1.0, -1.1]])
    penalty = Sampling(vocabulary=2, repetition_penalty=1.2)
    assert chosen(negative, penalty, jnp.asarray([[True, False]])).tolist() == [1]
