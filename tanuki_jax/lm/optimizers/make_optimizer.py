"""Table of optimizers: an optimizer is a dataclass of its settings, a file here, and a row."""

from collections.abc import Callable
from typing import Any

import jax
import optax

from tanuki_jax.config.experiment import AdamW, Optimizer
from tanuki_jax.config.model import Model
from tanuki_jax.config.muon import Muon
from tanuki_jax.lm.model.weights import locate
from tanuki_jax.lm.optimizers.adamw import adamw
from tanuki_jax.lm.optimizers.muon import muon

OPTIMIZERS: dict[type, Callable[[Any, Model], list[optax.GradientTransformation]]] = {AdamW: adamw, Muon: muon}
"""Class of the settings -> (settings, model) -> transformations of the clipped gradient, one after the other."""


def make_optimizer(config: Optimizer, model: Model, loraplus_ratio: float = 1.0) -> optax.GradientTransformation:
    """Return a transformation of gradients into directions, which the step multiplies by minus the learning rate.

    Clipping and the learning rate are done by the step: the state then has no schedule, and a new stage of training can
    take it over.

    Args:
        config: settings of the optimizer.
        model: shape of the model, whose rows say which weights are decayed, and which dims of them are inputs.
        loraplus_ratio: learning rate of adapters' B over that of A (Hayou et al. 2024).
    """
    transformations = OPTIMIZERS[type(config)](config, model)
    if loraplus_ratio != 1:
        transformations.append(optax.masked(optax.scale(loraplus_ratio), lambda params: _is_b(model, params)))
    return optax.chain(*transformations)


def _is_b(model: Model, params: Any) -> Any:
    def of_leaf(path: tuple[Any, ...], leaf: Any) -> bool:
        located = locate(model, path)
        return located is not None and located.part == "b"

    return jax.tree_util.tree_map_with_path(of_leaf, params)
