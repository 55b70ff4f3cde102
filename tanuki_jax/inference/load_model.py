"""A checkpoint's model and tokenizer, ready to generate."""

import dataclasses
from functools import partial
from pathlib import Path

import jax
from jax.sharding import Mesh

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import read_state
from tanuki_jax.checkpoints.parameters import load as load_weights
from tanuki_jax.checkpoints.token_ids import token_ids
from tanuki_jax.checkpoints.tokenizer_copy import tokenizer_path
from tanuki_jax.config.experiment import Layout
from tanuki_jax.config.model import Model
from tanuki_jax.data.tokenizer.bos_ids import bos_ids
from tanuki_jax.data.tokenizer.load import Tokenizer, load
from tanuki_jax.lm.kernels.devices import devices
from tanuki_jax.lm.model.weights import Params
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import with_shardings


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
    mesh: Mesh
    """Devices that hold the parameters; its axis `tensor` splits them."""
    bos: tuple[int, ...] = ()
    """Ids that begin a text to be continued."""


def load_model(checkpoint: Path, adapter: str = "", tensor: int = 1) -> LoadedModel:
    """Load a checkpoint in bfloat16 (float32 on CPUs), with its adapter merged.

    Args:
        checkpoint: folder of a finished checkpoint.
        adapter: name of the adapter if there are several, or `none`; empty: the only adapter, if there is one.
        tensor: number of devices, from the first one on, that split heads, hidden units and the vocabulary.

    Raises:
        InputError: the tokenizer is missing or belongs to another model, the adapter does not exist, there are too few
            devices, or their number does not divide the model.
    """
    state = read_state(checkpoint)
    path = tokenizer_path(checkpoint, state)
    tokenizer = load(path)
    if tokenizer.vocabulary > state.model.vocabulary:
        raise InputError(
            f"the tokenizer {path} has {tokenizer.vocabulary} pieces, but the model has only {state.model.vocabulary}: "
            "restore the tokenizer that the model was trained with"
        )
    mesh = make_mesh(Layout(tensor=tensor), devices()[:tensor])
    dtype = "float32" if jax.default_backend() == "cpu" else "bfloat16"
    bos = bos_ids(tokenizer, path)
    parameters = load_weights(checkpoint, dtype, partial(with_shardings, mesh), adapter)
    ends = token_ids(state, path).ends
    return LoadedModel(parameters, state.model, tokenizer, path, state.sequence_length, ends, mesh, bos)
