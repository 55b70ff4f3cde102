"""Fields of a `config.json` of Hugging Face, with what transformers assumes for missing ones."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.model import RopeScaling


class ConfigFields:
    """The fields of one file, read with checks that name it."""

    def __init__(self, path: Path, fields: Mapping[str, Any]) -> None:
        self.path, self._fields = path, fields

    def get(self, field: str) -> Any:
        """Return the value of a field; None if it is missing."""
        return self._fields.get(field)

    def number[Number: (int, float)](self, field: str, kind: type[Number], default: Any = None) -> Number:
        """Return a number above 0. InputError if it is none."""
        value = self._fields.get(field)
        value = default if value is None else value
        too_large = isinstance(value, int) and value > sys.float_info.max
        if isinstance(value, bool) or not isinstance(value, int | kind) or value <= 0 or too_large:
            whole = "a whole" if kind is int else "a"
            raise InputError(f"{self.path} has {field} {value!r:.80}, which must be {whole} number above 0")
        return kind(value)

    def head_dim(self) -> dict[str, int]:
        """Return `explicit_head_dim` where the size of a head is stated and is not width / heads."""
        stated, width, heads = (self.get(name) for name in ("head_dim", "hidden_size", "num_attention_heads"))
        if stated is None or (width % heads == 0 and stated == width // heads):
            return {}
        return {"explicit_head_dim": self.number("head_dim", int)}

    def flag(self, field: str) -> bool:
        """Return a field that is true or false, and false if it is missing. InputError if it is neither."""
        value = self._fields.get(field)
        if value is not None and not isinstance(value, bool):
            raise InputError(f"{self.path} has {field} {value!r}, which must be true or false")
        return value is True

    def rope(self) -> dict[str, Any]:
        """Return base and scaling of the rotary embedding, in the new field or the old ones. InputError for unknown
        scalings, and for fields that contradict each other."""
        rope = self._rope()
        kind = rope.get("rope_type", "default")
        unknown = rope.keys() - {"rope_type", "rope_theta", *(_LLAMA3 if kind == "llama3" else ())}
        if kind not in ("default", "llama3") or unknown:
            raise InputError(
                f"{self.path} has rotary positions of type {kind!r}: {json.dumps(rope)}; plain ones, with rope_theta, "
                f"and those of type 'llama3', with {', '.join(_LLAMA3)} too, can be converted"
            )
        parts = ConfigFields(self.path, {**self._fields, **rope})
        found: dict[str, Any] = {"rope_theta": parts.number("rope_theta", float)}
        if kind == "llama3":
            found["rope_scaling"] = RopeScaling(
                factor=parts.number("factor", float),
                low_frequency_factor=parts.number("low_freq_factor", float),
                high_frequency_factor=parts.number("high_freq_factor", float),
                original_length=parts.number("original_max_position_embeddings", int),
            )
        return found

    def _rope(self) -> dict[str, Any]:
        """Return what the fields about rotary positions state together, without what has no effect."""
        rope: dict[str, Any] = {}
        for field in ("rope_scaling", "rope_parameters"):
            if not isinstance(part := self.get(field) or {}, dict):
                raise InputError(f"{self.path} has {field} {part!r}, which must be an object")
            for stated, value in part.items():
                name = "rope_type" if stated == "type" else stated
                if rope.setdefault(name, value) != value:
                    raise InputError(
                        f"{self.path} states two values of {name} for its rotary positions: {rope[name]!r} and "
                        f"{value!r}"
                    )
        if rope.get("partial_rotary_factor") == 1:
            del rope["partial_rotary_factor"]
        return rope


_LLAMA3 = ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings")
"""Fields of the scaling of type `llama3`."""


def rope_fields(theta: float, scaling: RopeScaling) -> dict[str, Any]:
    """Return the fields of base and scaling, for transformers 5 and, by their older names, for what came before it."""
    if scaling.factor == 1:
        return {"rope_parameters": {"rope_type": "default", "rope_theta": theta}, "rope_theta": theta}
    scaled = {
        "rope_type": "llama3",
        "factor": scaling.factor,
        "low_freq_factor": scaling.low_frequency_factor,
        "high_freq_factor": scaling.high_frequency_factor,
        "original_max_position_embeddings": scaling.original_length,
    }
    return {"rope_parameters": {**scaled, "rope_theta": theta}, "rope_scaling": scaled, "rope_theta": theta}
