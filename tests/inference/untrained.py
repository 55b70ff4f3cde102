"""An untrained model: it writes nonsense, and every place of a text matters to what follows."""

import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from tanuki_jax.config.experiment import Layout, Tokenizer
from tanuki_jax.config.model import Model
from tanuki_jax.corpus.chat import builtin, template_files
from tanuki_jax.data.tokenizer.load import load
from tanuki_jax.data.tokenizer.training import train
from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.lm.model.transformer import Ops, hidden_states, initialise, output_matrix
from tanuki_jax.lm.model.weights import Params
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import shardings

LIMIT = 128
"""Length of the model's rows in training."""
SHAPE: dict[str, Any] = dict(vocabulary=400, width=64, hidden=96, layers=2, heads=8, kv_heads=8, initial_std=0.2)
TEXTS = [
    "昔々、山に狸が住んでいました。🦝",
    "def raccoon(dog):\n    return dog  # 狸",
    '{"a": [1, 2.5, true, null], "b": "c"}',
] * 20


def make_tokenizer(folder: Path) -> Path:
    """Train a tokenizer of 384 pieces, with a chat template, in `folder`."""
    train(TEXTS, Tokenizer(path=str(folder), pieces=384), folder)
    template_files.write(folder, builtin.find("user_assistant"))
    return folder


def untrained(tokenizer: Path, *, tensor: int = 1, seed: int = 0, **shape: Any) -> LoadedModel:
    """Return a model of random weights, of SHAPE but for `shape`."""
    model, loaded = Model(**SHAPE | shape), load(tokenizer)
    mesh = make_mesh(Layout(tensor=tensor), jax.devices()[:tensor])
    weights = initialise(model, jax.random.key(seed))
    placed = jax.device_put(weights, shardings(mesh, model, weights))
    return LoadedModel(placed, model, loaded, tokenizer, LIMIT, (loaded.eos, loaded.eod), mesh)


def logits_of(loaded: LoadedModel, ids: list[int]) -> npt.NDArray[np.float32]:
    """Return the logits after each id, [T, V], by training's forward pass."""
    padded = np.zeros(LIMIT, np.int32)
    padded[: len(ids)] = ids
    return np.asarray(_logits(loaded.parameters, padded, np.arange(LIMIT) < len(ids), model=loaded.model))[: len(ids)]


@functools.partial(jax.jit, static_argnames="model")
def _logits(params: Params, tokens_t: jax.Array, real_t: jax.Array, *, model: Model) -> jax.Array:
    positions_1t, ids_1t = jnp.arange(LIMIT)[None], real_t.astype(jnp.int32)[None]
    states_1td, _ = hidden_states(params, tokens_t[None], ids_1t, positions_1t, model, Ops(), compute_dtype="float32")
    return states_1td[0] @ output_matrix(params)
