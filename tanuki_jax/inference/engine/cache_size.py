"""Size of a cache of keys and values, in tokens: what jobs need, and what there is memory for."""

import jax

from tanuki_jax.config.model import Model
from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.lm.kernels.devices import devices

LARGEST_CPU_CACHE = 2 * 1024**3
"""Bytes of the largest cache that is made on a CPU if no size is given."""
SHARE_OF_FREE_MEMORY = 0.8
"""Share of an accelerator's free memory that caches get if no size is given; the rest is for activations."""


def page_tokens(limit: int) -> int:
    """Return the tokens of a page, for texts of up to `limit`: a power of two, larger on accelerators."""
    most = 64 if jax.default_backend() == "cpu" else 256
    return min(most, 1 << (limit - 1).bit_length())


def affordable_tokens(loaded: LoadedModel, models: int = 1) -> int:
    """Return how many tokens there is memory for, shared with the caches of other models that are loaded already.

    Args:
        loaded: model and tokenizer.
        models: number of the models that share the memory, this one included.
    """
    devices_used = loaded.mesh.devices.size
    per_token = bytes_per_token(loaded.model, loaded.parameters["embedding"].dtype.itemsize) // devices_used
    stats = devices()[0].memory_stats() or {}
    free = SHARE_OF_FREE_MEMORY * (stats["bytes_limit"] - stats["bytes_in_use"]) if stats else LARGEST_CPU_CACHE
    return int(free / models / per_token)


def bytes_per_token(model: Model, itemsize: int) -> int:
    """Return the bytes of keys and values of one token in all layers."""
    return 2 * model.layers * model.kv_heads * model.head_dim * itemsize
