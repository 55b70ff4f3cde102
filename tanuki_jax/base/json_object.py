"""JSON files that other programs wrote, read with errors that name them."""

import json
from pathlib import Path
from typing import Any

from tanuki_jax.base.errors import InputError


def read_object(path: Path) -> dict[str, Any]:
    """Return the object that a file of JSON holds. InputError if it holds something else, or cannot be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise InputError(f"{path} is nested too deeply to be read") from None
    except ValueError as error:  # malformed, or not UTF-8
        raise InputError(f"{path} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise InputError(f"{path} is not a JSON object: it begins with {json.dumps(value)[:40]}")
    return value
