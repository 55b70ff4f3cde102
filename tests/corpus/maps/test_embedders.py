"""Vectors of texts: by n-grams, by a server, and by a checkpoint that is served."""

import asyncio
from pathlib import Path

import jax
import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.client.rehearsal.behaviour import Behaviour
from tanuki_jax.client.rehearsal.mock_teacher import MockTeacher
from tanuki_jax.config.endpoints import Endpoint
from tanuki_jax.config.model import Model
from tanuki_jax.corpus.maps.embedders import Vectors, embed_by_endpoint, embed_ngrams, served
from tanuki_jax.lm.model.transformer import initialise
from tests.checkpoints.weights import write_weights
from tests.corpus.maps.two_corpora import texts_of
from tests.inference.untrained import SHAPE, make_tokenizer


def test_texts_of_one_kind_are_closer() -> None:
    vectors = embed_ngrams([*texts_of(0, 40), *texts_of(1, 40)], seed=0)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    alike = vectors @ vectors.T
    assert alike[:40, :40].mean() > alike[:40, 40:].mean() + 0.03


def test_the_seed_repeats_the_vectors() -> None:
    texts = texts_of(0, 30)
    np.testing.assert_array_equal(embed_ngrams(texts, seed=1), embed_ngrams(texts, seed=1))


def by_teacher(behaviour: Behaviour, texts: list[str]) -> Vectors:
    async def ask() -> Vectors:
        async with MockTeacher(behaviour, host="127.0.0.1", port=0) as teacher:
            return await embed_by_endpoint(texts, Endpoint(url=teacher.url))

    return asyncio.run(ask())


def test_a_server_s_vectors_are_in_the_order_of_the_texts() -> None:
    texts = [f"文書{number}" for number in range(40)]
    vectors = by_teacher(Behaviour(), texts)
    assert vectors.shape[0] == 40
    np.testing.assert_allclose(by_teacher(Behaviour(), texts[30:]), vectors[30:], rtol=1e-6)


def test_a_server_that_refuses_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_OF_THE_SERVER", "secret")
    with pytest.raises(InputError, match="gave no embeddings"):
        by_teacher(Behaviour(key_variable="KEY_OF_THE_SERVER"), ["a"])


@pytest.mark.long
def test_a_checkpoint_is_served_while_it_is_needed(tmp_path: Path) -> None:
    tokenizer, model = make_tokenizer(tmp_path / "tokenizer"), Model(**SHAPE)
    weights = jax.tree.map(np.asarray, initialise(model, jax.random.key(0)))
    write_weights(tmp_path / "checkpoint", model, weights, tokenizer=str(tokenizer), sequence_length=128)
    with served(str(tmp_path / "checkpoint")) as endpoint:
        vectors = asyncio.run(embed_by_endpoint(["狸", "狐と狸", "狸"], endpoint))
    assert vectors.shape == (3, model.width) and (vectors[0] == vectors[2]).all()
    with pytest.raises(InputError, match=r"cannot be served: .*there is no checkpoint"), served(str(tmp_path / "none")):
        pass
