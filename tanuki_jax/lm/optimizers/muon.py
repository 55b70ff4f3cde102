"""Muon (Jordan et al. 2024): momentum of each matrix, orthogonalised by Newton-Schulz iterations; Adam for all other
parameters."""

import math
from typing import Any

import jax
import optax

from tanuki_jax.config.model import Model
from tanuki_jax.config.muon import Muon
from tanuki_jax.lm.model.weights import Located, locate
from tanuki_jax.lm.optimizers.adamw import decay


def muon(config: Muon, model: Model) -> list[optax.GradientTransformation]:
    """Return Muon's direction for the matrices of layers, Adam's for all else, and the decay.

    Every matrix of a stacked weight, also each expert's, is orthogonalised on its own. Directions are scaled by
    `consistent_rms` sqrt(max(inputs, outputs)), so that learning rates of AdamW may be used (Liu et al. 2025, section
    2.2).
    """

    def located(path: tuple[Any, ...]) -> Located:
        leaf = locate(model, path)
        assert leaf is not None, path
        return leaf

    def label(path: tuple[Any, ...], leaf: Any) -> str:
        found = located(path)
        return "muon" if found.row.layer_projection and not found.part else "adam"

    def dims(path: tuple[Any, ...], leaf: Any) -> optax.contrib.MuonDimensionNumbers:
        row = located(path).row
        inputs = range(row.lead, row.lead + row.inputs)
        outputs = range(row.lead + row.inputs, len(row.shape))
        return optax.contrib.MuonDimensionNumbers(tuple(inputs), tuple(outputs))

    def scaled(path: tuple[Any, ...], direction: jax.Array) -> jax.Array:
        row = located(path).row
        return direction * (
            config.consistent_rms * math.sqrt(max(math.prod(row.input_shape), math.prod(row.output_shape)))
        )

    with_path = jax.tree_util.tree_map_with_path
    matrices = optax.chain(
        optax.contrib.scale_by_muon(
            ns_steps=config.newton_schulz_steps,
            beta=config.momentum,
            weight_dimension_numbers=lambda params: with_path(dims, params),
        ),
        optax.stateless(lambda directions, params: with_path(scaled, directions)),
    )
    others = optax.scale_by_adam(b1=config.b1, b2=config.b2, eps=config.epsilon)
    split = optax.partition({"muon": matrices, "adam": others}, lambda params: with_path(label, params))
    return [split, decay(config.weight_decay, model)]
