"""Rematerialisation by name: activations that the forward pass of a layer keeps for the backward pass, and where."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax

type Remat = Callable[[Callable[..., Any]], Callable[..., Any]]
"""(layer) -> a layer with equal results, which computes some activations again in its backward pass."""

_KEPT: dict[str, tuple[str, ...]] = {
    "full": ("intervals",),
    "attention": ("intervals", "attention"),
    "dots": ("intervals", "attention", "hidden", "experts"),
}


def keep_all(layer: Callable[..., Any]) -> Callable[..., Any]:
    """Return the layer unchanged: the policy `none`, which computes nothing again."""
    return layer


def rematerialize(name: str, save: Sequence[str] = (), offload: Sequence[str] = ()) -> Remat:
    """Return `jax.checkpoint` with the `policy` of that name, for the body of a scan; `none` keeps all activations."""
    return (
        keep_all
        if name == "none"
        else functools.partial(jax.checkpoint, policy=policy(name, save, offload), prevent_cse=False)
    )


def policy(name: str, save: Sequence[str] = (), offload: Sequence[str] = ()) -> Callable[..., Any]:
    """Return the `jax.checkpoint` policy of that name.

    `full` keeps a layer's input only (and which keys each query sees, two integers a token), `attention` also
    attention's output, `dots` also every product with a weight.

    Args:
        name: name of the policy.
        save: names of activations that it keeps in addition.
        offload: names of activations that it keeps in the host's memory; `input` then takes the place of the input on
            the device.
    """
    names = jax.checkpoint_policies.save_and_offload_only_these_names(
        names_which_can_be_saved=sorted({*_KEPT[name], *save} - set(offload)),
        names_which_can_be_offloaded=list(offload),
        offload_src="device",
        offload_dst="pinned_host",
    )
    dots = jax.checkpoint_policies.dots_with_no_batch_dims_saveable

    def keeps(primitive: Any, *avals: Any, **parameters: Any) -> Any:
        if name == "dots" and dots(primitive, *avals, **parameters):
            return True
        return names(primitive, *avals, **parameters)

    return keeps
