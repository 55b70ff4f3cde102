"""Rows of optimizers, and LoRA+, which all of them share."""

from typing import get_args, get_type_hints

import jax
import jax.numpy as jnp
import numpy as np

from tanuki_jax.config.experiment import AdamW, Experiment
from tanuki_jax.config.model import Model
from tanuki_jax.lm.optimizers.make_optimizer import OPTIMIZERS, make_optimizer

MODEL = Model(vocabulary=16, width=4, hidden=6, layers=2, heads=1, kv_heads=1)


def test_every_optimizer_of_a_config_has_a_row() -> None:
    assert set(get_args(get_type_hints(Experiment)["optimizer"])) == set(OPTIMIZERS)


def test_the_rate_of_an_adapters_b_is_a_multiple() -> None:
    """LoRA+ (Hayou et al. 2024), weight decay included."""
    parts = {part: jax.random.normal(jax.random.key(key), (2, 4, 3)) for key, part in enumerate("abm")}
    parameters = {"blocks": {"q": parts}}
    gradients = jax.tree.map(jnp.cos, parameters)
    directions = []
    for ratio in (1.0, 4.0):
        optimizer = make_optimizer(AdamW(weight_decay=0.1), MODEL, ratio)
        directions.append(optimizer.update(gradients, optimizer.init(parameters), parameters)[0]["blocks"]["q"])
    for part, plain in directions[0].items():
        np.testing.assert_allclose(directions[1][part], plain * (4.0 if part == "b" else 1.0), rtol=1e-6)
