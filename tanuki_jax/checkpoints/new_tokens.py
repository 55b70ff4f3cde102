"""Checkpoint whose tokenizer has further special tokens, with rows of the embedding and the output matrix for them."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.atomic import new_folder, replace_text
from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints import stream
from tanuki_jax.checkpoints.format import State, finish, read_state
from tanuki_jax.checkpoints.restore import Parameters
from tanuki_jax.checkpoints.tokenizer_copy import TokenizerCopy, tokenizer_path
from tanuki_jax.config.model import Model
from tanuki_jax.corpus.chat import builtin, template_files
from tanuki_jax.data.tokenizer.added_tokens import add_tokens
from tanuki_jax.data.tokenizer.chat_tokens import require_trainable
from tanuki_jax.data.tokenizer.load import load
from tanuki_jax.lm.model.weights import shapes, weights

_MULTIPLE = 128
"""Divisor of the vocabulary of a model that grows."""
_ROWS = 8192
"""Rows that are averaged at once."""


class Grown(NamedTuple):
    """Result of adding tokens."""

    model: Model
    ids: dict[str, int]
    """Id of each new token."""


def write(
    checkpoint: Path, out: Path, tokens: Sequence[str], advance: Callable[[int], None], chat_template: str = ""
) -> Grown:
    """Write the checkpoint `out` with the parameters of another, and a tokenizer with further special tokens.

    The new tokens' rows are the mean of the rows of all tokens so far, as in transformers. Rows that the model has
    beyond its tokenizer are taken first; if they are too few, the vocabulary grows to a multiple of 128, and what is
    left over has the mean too. All other values are copied bit for bit.

    Args:
        checkpoint: a finished one, without adapters.
        out: a folder that does not exist yet; it appears when it is complete.
        tokens: names of the tokens, as `add_tokens` takes them.
        advance: called with the number of parameters written since the last call.
        chat_template: name or file of the template that the tokenizer gets; empty: it keeps its own.

    Raises:
        InputError: the checkpoint has adapters or no tokenizer, a name cannot be added, the template does not fit the
            grown tokenizer, or `out` exists.
    """
    state = read_state(checkpoint)
    if state.adapters:
        raise InputError(
            f"{checkpoint} has adapters, whose base would have to grow with them; write it with `convert merge` first"
        )
    source = tokenizer_path(checkpoint, state)
    tokenizer, parameters = load(source), Parameters(checkpoint)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        ids, grown = add_tokens(source, folder, tokens), load(folder)
        if chat_template:
            template = builtin.find(chat_template)
            require_trainable(grown, template)
            replace_text(folder / template_files.JINJA, template.source)
        copy = TokenizerCopy.read(folder)
    needed, rows = tokenizer.vocabulary + len(ids), state.model.vocabulary
    vocabulary = rows if needed <= rows else -(-needed // _MULTIPLE) * _MULTIPLE
    model = dataclasses.replace(state.model, vocabulary=vocabulary)
    grow = {
        name: _Rows(parameters, name, row.dims.split().index("v"), rows, (tokenizer.vocabulary, needed))
        for name, row in weights(model).items()
        if "v" in row.dims.split()
    }

    def read(name: str, part: stream.Part) -> npt.NDArray[Any]:
        values = grow[name].read(part) if name in grow else parameters.read(name, *part)
        advance(values.size)
        return values

    with new_folder(out) as draft:
        stream.write(draft, model, shapes(model, parameters.dtype("norm").name), read)
        converted = State.converted(model, state.sequence_length)
        if state.ids.tokenizer == tokenizer.fingerprint:  # the ids are those of the grown tokenizer too
            converted = dataclasses.replace(converted, ids=dataclasses.replace(state.ids, tokenizer=grown.fingerprint))
        finish(draft, copy.write(draft, converted))
    return Grown(model, ids)


class _Rows:
    """Matrix [V, D] or [D, V] in which some rows or columns of tokens become the mean of others."""

    def __init__(self, parameters: Parameters, name: str, dim: int, stored: int, new: tuple[int, int]) -> None:
        """Compute the mean.

        Args:
            parameters: what the matrix is read from.
            name: path of the matrix.
            dim: dim of the vocabulary, 0 or 1.
            stored: size of that dim there.
            new: first token that becomes the mean of those before it, and the one after the last.
        """
        self._parameters, self._name, self._dim, self._stored, self._new = parameters, name, dim, stored, new
        total: Any = 0.0
        for start in range(0, new[0], _ROWS):
            part = self._stored_part(slice(start, min(start + _ROWS, new[0])), slice(None))
            total = total + part.astype(np.float64).sum(dim)
        self._mean_d = np.asarray(total / new[0])

    def read(self, part: stream.Part) -> npt.NDArray[Any]:
        """Return a part of the grown matrix."""
        cut, other = part[self._dim], part[1 - self._dim]
        assert isinstance(cut, slice) and isinstance(other, slice)
        kept = self._stored_part(slice(min(cut.start, self._stored), min(cut.stop, self._stored)), other)
        number = np.arange(cut.start, cut.stop)
        is_new = (number >= self._stored) | ((number >= self._new[0]) & (number < self._new[1]))
        mean = self._mean_d[other].astype(kept.dtype)
        values = np.empty((len(number), len(mean)), kept.dtype)
        values[: kept.shape[self._dim]] = np.moveaxis(kept, self._dim, 0)
        values[is_new] = mean
        return np.ascontiguousarray(np.moveaxis(values, 0, self._dim))

    def _stored_part(self, cut: slice, other: slice) -> npt.NDArray[Any]:
        return self._parameters.read(self._name, *((cut, other) if self._dim == 0 else (other, cut)))
