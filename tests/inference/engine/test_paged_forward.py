"""Keys and values in pages: the logits are those of training's forward pass, of any model and way of reading."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.inference.engine.paged_forward import PagedCache, empty_cache, extend_one, extend_rows, logits
from tests.inference.untrained import logits_of, untrained

pytestmark = pytest.mark.thorough

PAGE = 8


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(
            {"kv_heads": 2, "qk_norm": True, "tied": True, "window": 5, "global_every": 2},
            id="grouped, QK-norm, tied, window",
        ),
        pytest.param({"experts": 4, "dense_layers": 1}, id="experts", marks=pytest.mark.thorough),
    ],
)
def test_logits_are_those_of_the_forward_pass(chat_tokenizer: Path, shape: dict[str, Any]) -> None:
    loaded = untrained(chat_tokenizer, **shape)
    ids = np.random.default_rng(0).integers(0, 384, 40).tolist()
    table = jnp.array([4, 1, 6, 2, 5])
    cache = empty_cache(loaded.model, 8, PAGE, "float32")
    states = []
    for start, length in ((0, 8), (8, 8), (16, 3)):
        tokens = jnp.zeros(PAGE, jnp.int32).at[:length].set(jnp.array(ids[start : start + length]))
        part, cache = extend_one(
            loaded.parameters, tokens, jnp.int32(length), jnp.int32(start), table, cache, loaded.model
        )
        states.append(part[:length])
    for position in range(19, 40):
        part, cache = extend_rows(
            loaded.parameters,
            jnp.array([ids[position], 7]),
            jnp.array([position, 0]),
            jnp.array([True, False]),
            jnp.stack([table, 0 * table]),
            cache,
            loaded.model,
        )
        states.append(part[:1])
    found = logits(loaded.parameters, jnp.concatenate(states))
    np.testing.assert_allclose(found, logits_of(loaded, ids), atol=1e-4)


def test_a_row_that_holds_no_token_changes_no_page_of_others(chat_tokenizer: Path) -> None:
    loaded = untrained(chat_tokenizer)
    cache = jax.tree.map(lambda part: part + 1, empty_cache(loaded.model, 4, PAGE, "float32"))
    row = jnp.array([3]), jnp.array([5]), jnp.array([False]), jnp.array([[2, 3]])
    _, after = extend_rows(loaded.parameters, *row, cache, loaded.model)
    assert all((part[:, 1:] == 1).all() for part in after)


def test_one_row_has_the_bits_that_it_has_among_others(chat_tokenizer: Path) -> None:
    loaded = untrained(chat_tokenizer)
    noise = jax.random.normal(jax.random.key(1), empty_cache(loaded.model, 9, PAGE, "float32").k.shape)
    cache = PagedCache(noise, noise)
    tables, tokens, places = jnp.arange(1, 9).reshape(4, 2), jnp.array([5, 6, 7, 8]), jnp.array([3, 9, 15, 0])

    @jax.jit
    def found(tokens: jax.Array, places: jax.Array, tables: jax.Array) -> jax.Array:
        rows = jnp.ones(len(tokens), bool)
        states, _ = extend_rows(loaded.parameters, tokens, places, rows, tables, cache, loaded.model)
        return logits(loaded.parameters, states)

    together = np.asarray(found(tokens, places, tables))
    for row in range(4):
        alone = np.asarray(found(tokens[row : row + 1], places[row : row + 1], tables[row : row + 1]))
        np.testing.assert_array_equal(alone[0], together[row])
