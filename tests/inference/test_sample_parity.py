"""The distribution that tokens are drawn from, against transformers' logits processors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.inference.sample import Sampling, choose

pytestmark = pytest.mark.parity


@pytest.mark.parametrize(
    ("penalty", "temperature", "top_k", "top_p"), [(1.3, 0.7, 0, 1.0), (1.0, 1.2, 7, 0.6), (1.4, 0.8, 12, 0.9)]
)
def test_the_same_tokens_may_be_drawn_as_often(penalty: float, temperature: float, top_k: int, top_p: float) -> None:
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    logits, text = np.random.default_rng(0).standard_normal((1, 20)).astype(np.float32) * 2, [3, 3, 7, 11]
    scores = torch.tensor(logits)
    processors = [
        transformers.RepetitionPenaltyLogitsProcessor(penalty),
        transformers.TemperatureLogitsWarper(temperature),
    ]
    processors += [transformers.TopKLogitsWarper(top_k)] if top_k else []
    processors += [transformers.TopPLogitsWarper(top_p)] if top_p < 1 else []
    for processor in processors:
        scores = processor(torch.tensor([text]), scores)
    expected = torch.softmax(scores, -1)[0].numpy()
    draws = 50_000
    seen = jnp.zeros((draws, 20), bool).at[:, jnp.array(text)].set(True)
    sampling = Sampling(vocabulary=20, repetition_penalty=penalty, temperature=temperature, top_k=top_k, top_p=top_p)
    drawn = choose(jnp.broadcast_to(logits[0], (draws, 20)), seen, jax.random.split(jax.random.key(0), draws), sampling)
    found = np.bincount(np.asarray(drawn), minlength=20) / draws
    assert ((found > 0) <= (expected > 0)).all()
    assert (np.abs(found - expected) <= 5 * np.sqrt(expected * (1 - expected) / draws) + 1e-9).all()
