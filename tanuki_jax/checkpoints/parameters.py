"""Parameters that a checkpoint stands for: its own, or those of its base with an adapter merged into them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy.typing as npt

from tanuki_jax.base.errors import Corrupt, InputError
from tanuki_jax.checkpoints.format import State, find, read_state, weights_fingerprint
from tanuki_jax.checkpoints.old_versions import present_tree, stored_tree
from tanuki_jax.checkpoints.restore import Parameters, restore
from tanuki_jax.checkpoints.verify import verify
from tanuki_jax.config.lora import NO_ADAPTER, LoRA
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model import lora
from tanuki_jax.lm.model.quantized_base import matrix_and_back, quantized_and_back
from tanuki_jax.lm.model.weights import Params, projections, shapes, weights

type WithShardings = Callable[[Model, Any], Any]
"""(shape of the model, tree of `jax.ShapeDtypeStruct` of parameters or adapters) -> the same tree with shardings."""


def adapter_shapes(model: Model, adapters: Mapping[str, LoRA], dtype: str = "float32") -> dict[str, Params]:
    """Return the tree of the item `adapters` as `jax.ShapeDtypeStruct`."""
    return {name: lora.shapes(model, adapter, dtype) for name, adapter in adapters.items()}


def base_of(checkpoint: Path, state: State) -> Path:
    """Return the checkpoint whose parameters a checkpoint's adapters adapt. InputError if it is gone, or another one
    has its path."""
    try:
        base = find(state.base)
    except InputError as error:
        raise InputError(f"the adapters of {checkpoint} need the parameters of {state.base}, but {error}") from None
    if weights_fingerprint(read_state(base)) != state.base_fingerprint:
        raise InputError(f"the adapters of {checkpoint} are for other parameters than those that {base} holds now")
    return base


def choose_adapter(checkpoint: Path, state: State, name: str) -> str:
    """Return the name of an adapter, of the only one if none is named. InputError for an unknown name, or for several
    without a name."""
    names = [*state.adapters]
    if name == NO_ADAPTER or (not name and not names):
        return NO_ADAPTER
    if not name:
        if len(names) > 1:
            raise InputError(f"{checkpoint} has the adapters {', '.join(names)}; name one, or {NO_ADAPTER}")
        return names[0]
    if name not in names:
        raise InputError(f"{checkpoint} has no adapter named {name!r}; it has {', '.join(names) or 'none'}")
    return name


def load(checkpoint: Path, dtype: str, with_shardings: WithShardings, adapter: str = "") -> Params:
    """Return the parameters that a checkpoint stands for.

    Args:
        checkpoint: a good one.
        dtype: type of the parameters; adapters are merged in float32.
        with_shardings: adds the shardings that the arrays are to have.
        adapter: name of one of several, or `NO_ADAPTER`; empty: the only one, if there is one.

    Raises:
        InputError: there is no such adapter, or the base is gone or another one.
        Corrupt: the arrays on the devices are not those that were saved.
    """
    state = read_state(checkpoint)
    chosen = choose_adapter(checkpoint, state, adapter)
    if not state.adapters:
        base: Params = restored(checkpoint, state, base=with_shardings(state.model, shapes(state.model, dtype)))["base"]
        return base
    if chosen == NO_ADAPTER:
        return load(base_of(checkpoint, state), dtype, with_shardings)
    found = restored(
        checkpoint, state, adapters=with_shardings(state.model, adapter_shapes(state.model, state.adapters))
    )
    params = load(base_of(checkpoint, state), "float32", with_shardings)
    return merge(state.model, params, found["adapters"][chosen], state.adapters[chosen], dtype, with_shardings)


def merge(
    model: Model, params: Params, adapter: Params, config: LoRA, dtype: str, with_shardings: WithShardings
) -> Params:
    """Merge an adapter into parameters as they were while it was trained, and return them in `dtype`; `params` are
    donated."""

    def merged(params: Params, adapter: Params) -> Params:
        result = lora.merged(model, quantized_and_back(model, params, config), adapter, config)
        cast: Params = jax.tree.map(lambda array: array.astype(dtype), result)
        return cast

    shaped = with_shardings(model, jax.eval_shape(merged, params, adapter))
    placed = jax.tree.map(lambda leaf: leaf.sharding, shaped)
    donated = 0 if dtype == "float32" else ()
    result: Params = jax.jit(merged, donate_argnums=donated, out_shardings=placed)(params, adapter)
    return result


def restored(checkpoint: Path, state: State, **items: Any) -> dict[str, Any]:
    """Return items of a checkpoint of any version, with the present names. Corrupt if they are not what was saved.

    Args:
        checkpoint: folder of a finished checkpoint.
        state: its state.
        items: by name, trees of `jax.ShapeDtypeStruct` with shardings.
    """
    stored = {name: stored_tree(tree, state.version) for name, tree in items.items()}
    found = restore(checkpoint, **stored)
    if wrong := verify(checkpoint, found, state):
        raise Corrupt(f"the files of {checkpoint} are complete, but {wrong}")
    return {name: present_tree(found[name], tree, state.version) for name, tree in items.items()}


class Weights:
    """Parameters that a checkpoint stands for, as `load` returns them, read by name and part by part."""

    def __init__(self, checkpoint: Path, adapter: str = "") -> None:
        """Raise what `load` does."""
        state = read_state(checkpoint)
        self._name = choose_adapter(checkpoint, state, adapter)
        self._rows = weights(state.model)
        self._adapter = state.adapters.get(self._name)
        self._adapted = projections(state.model, self._adapter.projections) if self._adapter else {}
        self._arrays = Parameters(checkpoint, "adapters", state.version)
        self._base: Parameters | Weights = Parameters(checkpoint)
        if state.adapters:
            self._base = Weights(base_of(checkpoint, state))

    def read(self, name: str, *index: int | slice) -> npt.NDArray[Any]:
        """Read as `restore.Parameters.read`; of a weight with an adapter a layer, or an expert of one, in float32.

        Of a weight without layers the index may cut every dim.
        """
        values = self._base.read(name, *index)
        if self._adapter is None:
            return values
        values = matrix_and_back(values, self._rows[name], self._adapter)
        if name not in self._adapted:
            return values
        row = self._adapted[name]
        assert len(index) >= row.lead, (name, index)
        lead, cut = index[: row.lead], (*index[row.lead :], *[slice(None)] * (len(row.shape) - len(index)))
        assert not self._adapter.dora or all(part == slice(None) for part in cut), (name, index)
        of_part = {"a": cut[: row.inputs], "b": (slice(None), *cut[row.inputs :]), "m": cut[row.inputs :]}
        parts = {
            part: self._arrays.read(f"{self._name}.{name}.{part}", *lead, *of_part[part])
            for part in lora.parts(self._adapter)
        }
        return lora.merged_matrix(values, parts, self._adapter)
