"""The items of a checkpoint that hold arrays."""

import orbax.checkpoint as ocp

ITEMS = ("base", "adapters", "optimizer")
"""All parameters; or adapters of another checkpoint's parameters, by name; and what the optimizer keeps of those that are trained."""


def checkpoint_handler() -> ocp.CompositeCheckpointHandler:
    """Orbax's handler for them."""
    return ocp.CompositeCheckpointHandler(**{item: ocp.PyTreeCheckpointHandler(use_zarr3=True) for item in ITEMS})
