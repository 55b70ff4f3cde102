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
