"""How parameters are cut into chunks on disk: by layer, and by expert."""


def stacked_dims(name: str) -> int:
    """How many dims of a parameter come before those of one matrix: its layers, and its experts.

    Args:
        name: its dotted path in a tree of parameters or of Adam's moments, as in `blocks.q` or `0.mu.blocks.expert_gate`.
    """
    *before, key = name.split(".")
    return 0 if "blocks" not in before else 2 if key.startswith("expert_") else 1
