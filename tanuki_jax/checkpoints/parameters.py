"""The parameters of a checkpoint, whether it holds them itself or adapters of another one's."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy.typing as npt

from tanuki_jax.base.errors import Corrupt, InputError
from tanuki_jax.checkpoints.format import State, find, read_state, weights_fingerprint
from tanuki_jax.checkpoints.restore import Parameters, restore
from tanuki_jax.checkpoints.verify import verify
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model import lora
from tanuki_jax.lm.model.quantized_base import matrix_and_back, quantized_and_back
from tanuki_jax.lm.model.transformer import Params, shapes

NO_ADAPTER = "none"
"""In the place of an adapter's name: the parameters as they were without it."""

type Place = Callable[[Any], Any]
"""Takes a tree of `jax.ShapeDtypeStruct`s, whose paths end in the names of parameters or adapters; gives them shardings."""


def adapter_shapes(model: Model, adapters: Mapping[str, LoRA], dtype: str = "float32") -> dict[str, Params]:
    """The tree of the item `adapters` as `jax.ShapeDtypeStruct`s."""
    blocks = shapes(model)["blocks"]
    return {
        name: {
            "blocks": jax.eval_shape(lambda given, of=of: lora.initialise(given, of, jax.random.key(0), dtype), blocks)
        }
        for name, of in adapters.items()
    }


def base_of(checkpoint: Path, state: State) -> Path:
    """The checkpoint whose parameters a checkpoint's adapters adapt. InputError if it is gone, or another one is there now."""
    try:
        base = find(state.base)
    except InputError as error:
        raise InputError(f"the adapters of {checkpoint} need the parameters of {state.base}, but {error}") from None
    if weights_fingerprint(read_state(base)) != state.base_fingerprint:
        raise InputError(f"the adapters of {checkpoint} are for other parameters than those that {base} holds now")
    return base


def choose_adapter(checkpoint: Path, state: State, name: str) -> str:
    """The adapter of that name, or the only one where none is named. InputError if there is none of the name, or several without one."""
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


def load(checkpoint: Path, dtype: str, place: Place, adapter: str = "") -> Params:
    """The parameters that a checkpoint stands for: its own, or those of its base with an adapter merged into them.

    Args:
        checkpoint: a good one.
        dtype: of the parameters; what is merged is computed in float32.
        place: says where arrays are to lie.
        adapter: name of one of several, or `NO_ADAPTER`; empty: the only one, if there is one.

    Raises:
        InputError: there is no such adapter, or the base is gone or another one.
        Corrupt: the arrays on the devices are not those that were saved.
    """
    state = read_state(checkpoint)
    chosen = choose_adapter(checkpoint, state, adapter)
    if not state.adapters:
        base: Params = restored(checkpoint, state, base=place(shapes(state.model, dtype)))["base"]
        return base
    if chosen == NO_ADAPTER:
        return load(base_of(checkpoint, state), dtype, place)
    found = restored(checkpoint, state, adapters=place(adapter_shapes(state.model, state.adapters)))
    return merge(
        load(base_of(checkpoint, state), "float32", place),
        found["adapters"][chosen],
        state.adapters[chosen],
        dtype,
        place,
    )


def merge(parameters: Params, adapter: Params, of: LoRA, dtype: str, place: Place) -> Params:
    """Parameters, as they were while the adapter was trained, with it in them, in `dtype`; the arrays of `parameters` are gone."""

    def whole(parameters: Params, adapter: Params) -> Params:
        parameters = quantized_and_back(parameters, of)
        blocks = lora.merged({**parameters["blocks"], **adapter["blocks"]}, of)
        together: Params = jax.tree.map(lambda array: array.astype(dtype), {**parameters, "blocks": blocks})
        return together

    placed = jax.tree.map(lambda leaf: leaf.sharding, place(jax.eval_shape(whole, parameters, adapter)))
    merged: Params = jax.jit(whole, donate_argnums=0 if dtype == "float32" else (), out_shardings=placed)(
        parameters, adapter
    )
    return merged


def restored(checkpoint: Path, state: State, **items: Any) -> dict[str, Any]:
    """Items of a checkpoint, whose `state` is given, as `restore` gives them. Corrupt if they are not what was saved."""
    found = restore(checkpoint, **items)
    if wrong := verify(checkpoint, found, state):
        raise Corrupt(f"the files of {checkpoint} are whole, but {wrong}")
    return found


class Weights:
    """The parameters that a checkpoint stands for, as `load` gives them, read by name without holding more than is asked for."""

    def __init__(self, checkpoint: Path, adapter: str = "") -> None:
        """Raises what `load` does."""
        state = read_state(checkpoint)
        chosen = choose_adapter(checkpoint, state, adapter)
        self._of = state.adapters.get(chosen)
        self._adapter = chosen
        self._arrays = Parameters(checkpoint, "adapters") if self._of else None
        self._base: Parameters | Weights = (
            Weights(base_of(checkpoint, state)) if state.adapters else Parameters(checkpoint)
        )

    def read(self, name: str, *index: int | slice) -> npt.NDArray[Any]:
        """As `checkpoints.restore.Parameters.read`; of what has an adapter a layer, or an expert of one, in float32."""
        values = self._base.read(name, *index)
        projection = name.removeprefix("blocks.")
        if self._of is None or self._arrays is None:
            return values
        values = matrix_and_back(values, projection, self._of)
        if projection not in self._of.projections:
            return values
        assert len(index) == lora.lead_dims(projection), (name, index)
        parts = {
            f"{projection}_{part}": self._read(projection, part, index) for part in ("a", "b", *("m" * self._of.dora))
        }
        return lora.merged_matrix(values, parts, projection, self._of)

    def _read(self, projection: str, part: str, index: tuple[int | slice, ...]) -> npt.NDArray[Any]:
        assert self._arrays is not None
        return self._arrays.read(f"{self._adapter}.blocks.{projection}_{part}", *index)
