"""Penalties of tokens that a text contains already."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from tanuki_jax.inference.engine.job import Job
from tanuki_jax.inference.engine.penalties import Penalties, count_tokens, penalize
from tanuki_jax.inference.engine.run_jobs import engine_for
from tanuki_jax.inference.load_model import LoadedModel
from tests.inference.engine.conftest import run, tokens_of

LOGITS = jnp.array([[1.0, 2.0, -1.0, -2.0, 3.0, 0.5]] * 2)
IDS = jnp.array([[1, 2, 2, 4, -1], [-1] * 5])
"""The first row's prompt has two tokens."""
ADDED = jnp.array([[4, 5, -1], [-1] * 3])


def penalized(*, repetition: float = 1, presence: float = 0, frequency: float = 0) -> jax.Array:
    counts = count_tokens(IDS, jnp.arange(5) >= jnp.array([[2], [0]]), 6)
    each = (jnp.array([value, neutral]) for value, neutral in ((repetition, 1.0), (presence, 0.0), (frequency, 0.0)))
    return penalize(LOGITS, Penalties(*each), counts, ADDED)


def test_presence_and_frequency_count_new_tokens_and_repetition_all() -> None:
    np.testing.assert_allclose(penalized(repetition=2)[0], [1, 1, -2, -2, 1.5, 0.25])
    np.testing.assert_allclose(penalized(presence=0.5)[0], [1, 2, -1.5, -2, 2.5, 0])
    np.testing.assert_allclose(penalized(frequency=0.25)[0], [1, 2, -1.25, -2, 2.5, 0.25])
    np.testing.assert_allclose(penalized(repetition=2, presence=0.5)[0], [1, 1, -2.5, -2, 1, -0.25])


def test_a_row_without_penalties_keeps_its_bits() -> None:
    for found in (penalized(), penalized(repetition=1.7, presence=0.3, frequency=0.1)):
        np.testing.assert_array_equal(found[1], LOGITS[1])


def test_tokens_of_one_call_count_at_once(loaded: LoadedModel) -> None:
    endless = dataclasses.replace(loaded, end_ids=(loaded.model.vocabulary,))
    jobs = [Job(prompt=(30,), tokens=90, repetition_penalty=penalty) for penalty in (1, 1e6)]
    plain, varied = map(tokens_of, run(engine_for(endless, jobs, rows=1), *jobs))
    assert len({*varied, 30}) == 91
    assert len({*plain}) < 90
