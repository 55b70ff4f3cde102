"""Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

from typing import Any

import jax
import optax

from tanuki_jax.config.experiment import AdamW
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.weights import locate


def adamw(config: AdamW, model: Model) -> list[optax.GradientTransformation]:
    """Return Adam's direction and the decay, yet to be scaled by minus the learning rate."""
    return [optax.scale_by_adam(b1=config.b1, b2=config.b2, eps=config.epsilon), decay(config.weight_decay, model)]


def decay(weight_decay: float, model: Model) -> optax.GradientTransformation:
    """Return the addition of decayed weights, of those whose row says so; magnitudes of DoRA are not decayed."""

    def decayed(params: Any) -> Any:
        def of_leaf(path: tuple[Any, ...], leaf: Any) -> bool:
            located = locate(model, path)
            assert located is not None, path
            return located.row.decay and located.part != "m"

        return jax.tree_util.tree_map_with_path(of_leaf, params)

    return optax.add_decayed_weights(weight_decay, mask=decayed)
