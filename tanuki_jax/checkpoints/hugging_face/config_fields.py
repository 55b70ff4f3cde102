"""Fields of a `config.json` of Hugging Face, with what transformers assumes for missing ones."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.kinds import describe, flaw, is_of, show
from tanuki_jax.config.model import RopeScaling


class ConfigFields:
    """The fields of one file, read with checks that name it.

    Args:
        path: the file.
        stated: what it states.
        defaults: values that stand for missing fields.
    """

    def __init__(self, path: Path, stated: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        self.path, self._stated, self._fields = path, stated, {**defaults, **stated}

    def get(self, field: str) -> Any:
        """Return the value of a field; None if it is missing."""
        return self._fields.get(field)

    def number[Number: (int, float)](self, field: str, kind: type[Number], default: Any = None) -> Number:
        """Return a number above 0. InputError if it is none, or too large for 32 bits."""
        value = self._fields.get(field)
        value = default if value is None else value
        if not is_of(value, kind) or value <= 0 or (kind is int and value >= 2**31) or flaw(value, kind):
            raise InputError(
                f"{self.path} has {field} {show(value)}, which must be {describe(kind)} above 0 that fits into 32 bits"
            )
        return kind(value)

    def head_dim(self) -> dict[str, int]:
        """Return `explicit_head_dim` where the size of a head is stated and is not width / heads."""
        if self.get("head_dim") is None:
            return {}
        stated, width, heads = (self.number(name, int) for name in ("head_dim", "hidden_size", "num_attention_heads"))
        return {} if width == stated * heads else {"explicit_head_dim": stated}

    def flag(self, field: str) -> bool:
        """Return a field that is true or false, and false if it is missing. InputError if it is neither."""
        value = self._fields.get(field)
        if value is not None and not isinstance(value, bool):
            raise InputError(f"{self.path} has {field} {value!r:.80}, which must be true or false")
        return value is True

    def rope(self) -> dict[str, Any]:
        """Return base and scaling of the rotary embedding, in the new field or the old ones. InputError for unknown
        scalings, and for fields that contradict each other."""
        rope = self._rope()
        kind = rope.get("rope_type", "default")
        unknown = rope.keys() - {"rope_type", "rope_theta", *(_LLAMA3 if kind == "llama3" else ())}
        if kind not in ("default", "llama3") or unknown:
            raise InputError(
                f"{self.path} has rotary positions of type {kind!r:.80}: {json.dumps(rope)[:200]}; plain ones, with "
                f"rope_theta, and those of type 'llama3', with {', '.join(_LLAMA3)} too, can be converted"
            )
        parts = ConfigFields(self.path, rope, self._fields)
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
        parts: dict[str, Any] = {field: self._stated.get(field) for field in ("rope_scaling", "rope_parameters")}
        for field, part in parts.items():
            if not isinstance(part, dict | None):
                raise InputError(f"{self.path} has {field} {part!r:.80}, which must be an object")
        for part in ({"rope_theta": self._stated.get("rope_theta")}, *parts.values()):
            for stated, value in (part or {}).items():
                name = "rope_type" if stated == "type" else stated
                if value is not None and rope.setdefault(name, value) != value:
                    raise InputError(
                        f"{self.path} states two values of {name} for its rotary positions: {rope[name]!r:.80} and "
                        f"{value!r:.80}"
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
