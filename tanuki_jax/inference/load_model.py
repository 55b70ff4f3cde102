"""A checkpoint's model and tokenizer, ready to generate on one device."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import jax
import tokenizers

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import read_state
from tanuki_jax.checkpoints.parameters import load as load_weights
from tanuki_jax.checkpoints.token_ids import token_ids
from tanuki_jax.checkpoints.tokenizer_copy import tokenizer_path
from tanuki_jax.config.model import Model
from tanuki_jax.corpus.chat.template_files import tokenizer_config
from tanuki_jax.data.tokenizer.load import JSON, Tokenizer, load
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


def bos_ids(tokenizer: Tokenizer, path: Path) -> tuple[int, ...]:
    """Return the ids that begin a text to be continued: those that transformers adds for the same tokenizer folder.

    The post-processor in `tokenizer.json` decides; if there is only a SentencePiece model, `add_bos_token` in
    `tokenizer_config.json` does. Tokenizers that `prepare` trains add none.

    Args:
        tokenizer: the tokenizer that was loaded from `path`.
        path: the tokenizer's folder, or its file.

    Raises:
        InputError: a file in the folder cannot be read.
    """
    folder = path if path.is_dir() else path.parent
    file = path if path.suffix == ".json" else folder / JSON
    if file.is_file():
        return _ids_of_post_processor(file)
    add_bos = tokenizer_config(folder).get("add_bos_token")
    return (tokenizer.bos,) if add_bos and tokenizer.bos is not None else ()


def _ids_of_post_processor(file: Path) -> tuple[int, ...]:
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises no closer type
        raise InputError(f"{file} is not a tokenizer that can be read: {error}") from None
    tokenizer.no_padding()
    encoded = tokenizer.encode("a")
    pairs = itertools.takewhile(lambda pair: pair[1], zip(encoded.ids, encoded.special_tokens_mask, strict=True))
    return tuple(id for id, _ in pairs)
