"""A checkpoint's model and tokenizer, ready to generate on one device."""

import dataclasses
from pathlib import Path
from typing import Any

import jax

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import read_state
from tanuki_jax.checkpoints.parameters import load as load_weights
from tanuki_jax.checkpoints.token_ids import token_ids
from tanuki_jax.checkpoints.tokenizer_copy import tokenizer_path
from tanuki_jax.config.model import Model
from tanuki_jax.data.tokenizer.bos_ids import bos_ids
from tanuki_jax.data.tokenizer.load import Tokenizer, load
from tanuki_jax.lm.kernels.devices import devices
from tanuki_jax.lm.model.weights import Params


@dataclasses.dataclass(frozen=True)
class LoadedModel:
    """A model with its tokenizer, which turns ids into ids."""

    parameters: Params
    model: Model
    tokenizer: Tokenizer
    tokenizer_path: Path
    """Folder or file that the tokenizer was read from; its chat template is beside it."""
    limit: int
    """Longest text in tokens: the length of a row in training."""
    end_ids: tuple[int, ...]
    """Ids that end a text, a document or an answer."""
    bos: tuple[int, ...] = ()
    """Ids that begin a text to be continued."""


def load_model(checkpoint: Path, adapter: str = "") -> LoadedModel:
    """Load a checkpoint onto the first device, in bfloat16 (float32 on CPUs), with its adapter merged.

    Args:
        checkpoint: folder of a finished checkpoint.
        adapter: name of the adapter if there are several, or `none`; empty: the only adapter, if there is one.

    Raises:
        InputError: the tokenizer is missing or belongs to another model, or the adapter does not exist.
    """
    state = read_state(checkpoint)
    path = tokenizer_path(checkpoint, state)
    tokenizer = load(path)
    if tokenizer.vocabulary > state.model.vocabulary:
        raise InputError(
            f"the tokenizer {path} has {tokenizer.vocabulary} pieces, but the model has only {state.model.vocabulary}: "
            "restore the tokenizer that the model was trained with"
        )
    device = jax.sharding.SingleDeviceSharding(devices()[0])

    def with_shardings(model: Model, tree: Any) -> Any:
        return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=device), tree)

    dtype = "float32" if jax.default_backend() == "cpu" else "bfloat16"
    bos = bos_ids(tokenizer, path)
    parameters = load_weights(checkpoint, dtype, with_shardings, adapter)
    ends = token_ids(state, path).ends
    return LoadedModel(parameters, state.model, tokenizer, path, state.sequence_length, ends, bos)
