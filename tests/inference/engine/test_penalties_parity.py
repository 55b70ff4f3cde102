"""Distribution of sampled tokens, compared with transformers' logits processors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.inference.engine.penalties import Penalties, count_tokens, penalize
from tanuki_jax.inference.engine.row_choice import RowOptions, choose_by_row

pytestmark = pytest.mark.parity


@pytest.mark.parametrize(
    ("penalty", "temperature", "top_k", "top_p"), [(1.3, 0.7, 0, 1.0), (1.0, 1.2, 7, 0.6), (1.4, 0.8, 12, 0.9)]
)
def test_tokens_are_sampled_as_often_as_transformers_says(
    penalty: float, temperature: float, top_k: int, top_p: float
) -> None:
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
    count = 50_000
    counts = count_tokens(jnp.array([text]), jnp.zeros((1, len(text)), bool), 20)
    penalties = Penalties(jnp.array([penalty]), jnp.zeros(1), jnp.zeros(1))
    [changed] = penalize(jnp.asarray(logits), penalties, counts, jnp.full((1, 1), -1))
    options = RowOptions(
        jnp.full(count, temperature),
        jnp.full(count, top_k),
        jnp.full(count, top_p),
        jnp.zeros(count),
        jax.random.split(jax.random.key(0), count),
    )
    sampled = choose_by_row(jnp.broadcast_to(changed, (count, 20)), options, jnp.zeros(count, jnp.int32))
    frequencies = np.bincount(np.asarray(sampled), minlength=20) / count
    assert ((frequencies > 0) <= (expected > 0)).all()
    assert (np.abs(frequencies - expected) <= 5 * np.sqrt(expected * (1 - expected) / count) + 1e-9).all()
