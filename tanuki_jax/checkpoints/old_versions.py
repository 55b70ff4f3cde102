"""Conversion of the `state.json` of checkpoints that earlier versions of this package saved.

Version 1 (files without a field `version`) kept the run's loss history in fields of its own: `course`, `spikes` and
`slow_until`. They are now in `history`, whose content belongs to `training.loss_history`, and some of them have other
names.
"""

import json
from typing import Any

from tanuki_jax.base.errors import InputError

VERSION = 2
"""Version of the checkpoints that are saved now: fields of `state.json`, and layout of the arrays beside it."""
_RENAMED = {"spread": "mean_abs_deviation", "calm": "calm_steps", "raised_from": "raised_since"}
"""Fields of version 1's `course`: old name -> new name."""


def upgraded(text: str, origin: str) -> str:
    """Return the text of a `state.json` of any version with the fields of the present one.

    The value of `version` stays what it was when the arrays were saved: they are as they were, also where only
    `state.json` was rewritten.

    InputError if the file is of a later version than this package knows.
    """
    try:
        fields = json.loads(text)
    except json.JSONDecodeError:
        return text  # from_json refuses it, with line and column
    if not isinstance(fields, dict):
        return text
    if "version" not in fields:
        return json.dumps(_from_version_1(fields))
    if isinstance(fields["version"], int) and fields["version"] > VERSION:
        raise InputError(
            f"{origin} has version {fields['version']}, and this tanuki_jax reads versions up to {VERSION}; update it"
        )
    return text


def _from_version_1(fields: dict[str, Any]) -> dict[str, Any]:
    history: dict[str, Any] = {name: fields.pop(name) for name in ("spikes", "slow_until") if name in fields}
    if isinstance(course := fields.pop("course", None), dict):
        history["loss_history"] = {_RENAMED.get(name, name): value for name, value in course.items()}
    return {"version": 1, **fields, "history": history}


_PARTS = {"a", "b", "m"}
"""Arrays of an adapter, which version 1 kept beside the weights: `blocks.q_a` is now `blocks.q.a`."""


def stored_name(name: str, version: int) -> str:
    """Return the dotted name that an array of an adapter has in a checkpoint of some version."""
    weight, _, part = name.rpartition(".")
    return f"{weight}_{part}" if version == 1 and part in _PARTS else name


def stored_tree(tree: Any, version: int) -> Any:
    """Return a tree of adapters, or of the optimizer's state of adapters, with the names of a checkpoint of some version."""
    if version > 1:
        return tree
    if isinstance(tree, dict):
        renamed: dict[str, Any] = {}
        for name, part in tree.items():
            if isinstance(part, dict) and part and part.keys() <= _PARTS:
                renamed |= {f"{name}_{key}": array for key, array in part.items()}
            else:
                renamed[name] = stored_tree(part, version)
        return renamed
    if isinstance(tree, tuple):
        parts = [stored_tree(part, version) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    return tree


def present_tree(stored: Any, like: Any, version: int) -> Any:
    """Return a stored tree with the present names: those of `like`, of which `stored_tree` gives the stored tree's structure."""
    if version > 1:
        return stored
    if isinstance(like, dict):
        renamed = {}
        for name, part in like.items():
            if isinstance(part, dict) and part and part.keys() <= _PARTS:
                renamed[name] = {key: stored[f"{name}_{key}"] for key in part}
            else:
                renamed[name] = present_tree(stored[name], part, version)
        return renamed
    if isinstance(like, tuple):
        parts = [present_tree(old, new, version) for old, new in zip(stored, like, strict=True)]
        return type(like)(*parts) if hasattr(like, "_fields") else tuple(parts)
    return stored
