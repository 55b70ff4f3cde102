"""Items of a checkpoint that hold arrays."""

import orbax.checkpoint as ocp

ITEMS = ("base", "adapters", "optimizer")
"""All parameters; or adapters of another checkpoint's parameters, by name; and the optimizer's state."""


def checkpoint_handler() -> ocp.CompositeCheckpointHandler:
    """Return Orbax's handler for the items."""
    return ocp.CompositeCheckpointHandler(**{item: ocp.PyTreeCheckpointHandler(use_zarr3=True) for item in ITEMS})
