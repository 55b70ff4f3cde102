"""The items of a checkpoint that hold arrays."""

import orbax.checkpoint as ocp

ITEMS = ("base", "optimizer")


def checkpoint_handler() -> ocp.CompositeCheckpointHandler:
    """Orbax's handler for them."""
    return ocp.CompositeCheckpointHandler(**{item: ocp.PyTreeCheckpointHandler(use_zarr3=True) for item in ITEMS})
