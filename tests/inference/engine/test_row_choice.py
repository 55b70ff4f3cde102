"""Choice of tokens: by options of each row, and by nothing else."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from tanuki_jax.inference.engine.row_choice import RowOptions, choose_by_row


def options(
    rows: int, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0, min_p: float = 0.0, seed: int = 0
) -> RowOptions:
    keys = jax.random.split(jax.random.key(seed), rows)
    return RowOptions(
        jnp.full(rows, temperature), jnp.full(rows, top_k), jnp.full(rows, top_p), jnp.full(rows, min_p), keys
    )


def shares(chosen: jax.Array) -> npt.NDArray[np.float64]:
    return np.bincount(np.asarray(chosen), minlength=4) / len(chosen)


LOGITS = jnp.log(jnp.array([0.1, 0.2, 0.4, 0.3]))
MANY = jnp.tile(LOGITS, (8000, 1))
FIRST = jnp.zeros(8000, jnp.int32)


def test_tokens_are_drawn_with_their_probabilities() -> None:
    np.testing.assert_allclose(shares(choose_by_row(MANY, options(8000), FIRST)), [0.1, 0.2, 0.4, 0.3], atol=0.02)
    sharp = np.array([0.1, 0.2, 0.4, 0.3]) ** 2 / 0.3
    np.testing.assert_allclose(shares(choose_by_row(MANY, options(8000, 0.5), FIRST)), sharp, atol=0.02)


def test_options_exclude_the_tokens_that_they_should() -> None:
    def drawn(**chosen: Any) -> set[int]:
        return {*np.flatnonzero(shares(choose_by_row(MANY, options(8000, **chosen), FIRST))).tolist()}

    assert drawn(top_k=2) == {2, 3}
    assert drawn(top_k=9) == {0, 1, 2, 3}
    assert drawn(top_p=0.39) == {2}
    assert drawn(top_p=0.5) == {2, 3}
    assert drawn(top_p=0.0) == {2}
    assert drawn(top_k=3, top_p=0.75) == {2, 3}, "of the three kept ones, .4 and .3 are 78%"
    assert drawn(top_p=0.75) == {1, 2, 3}, "of all, they are 70%"
    assert drawn(min_p=0.6) == {2, 3}
    assert drawn(temperature=0.0) == {2}


def test_a_row_depends_on_no_other_row() -> None:
    logits = jax.random.normal(jax.random.key(0), (6, 50))
    kinds = [
        options(6, 0.0),
        options(6),
        options(6, top_k=7),
        options(6, top_p=0.6),
        options(6, min_p=0.2),
        options(6, 2.0),
    ]
    mixed = RowOptions(
        *(jnp.stack([part[row] for row, part in enumerate(parts)]) for parts in zip(*kinds, strict=True))
    )
    steps = jnp.arange(6)
    together = choose_by_row(logits, mixed, steps)
    for row in range(6):
        alone = RowOptions(*(part[row : row + 1] for part in mixed))
        assert choose_by_row(logits[row : row + 1], alone, steps[row : row + 1])[0] == together[row]


def test_a_row_draws_anew_at_every_step() -> None:
    rows = RowOptions(*(jnp.repeat(part[:1], 100, axis=0) for part in options(1)))
    assert len({*np.asarray(choose_by_row(MANY[:100], rows, jnp.arange(100))).tolist()}) > 1
    assert len({*np.asarray(choose_by_row(MANY[:100], rows, jnp.zeros(100, jnp.int32))).tolist()}) == 1
