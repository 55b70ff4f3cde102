"""Rematerialisation policies by name: what the forward pass of a layer keeps for the backward pass."""

from collections.abc import Callable
from typing import Any

import jax

_names = jax.checkpoint_policies.save_only_these_names
_POLICIES: dict[str, Callable[..., Any]] = {
    "full": _names("intervals"),
    "attention": _names("intervals", "attention"),
    "dots": jax.checkpoint_policies.save_from_both_policies(
        _names("intervals", "attention", "experts"), jax.checkpoint_policies.dots_with_no_batch_dims_saveable
    ),
}


def policy(name: str) -> Callable[..., Any]:
    """The `jax.checkpoint` policy of that name.

    `full` keeps a layer's input only (and which keys each query sees, two integers a token), `attention` also attention's output, `dots`
    also every product with a weight. (`none`, keeping everything, is no policy: the layer is then not checkpointed.)
    """
    return _POLICIES[name]
