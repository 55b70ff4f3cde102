"""Devices that are not here, as far as a choice of backend looks at them."""

import types
from typing import Any


def device(platform: str, compute_capability: str = "") -> Any:
    return types.SimpleNamespace(platform=platform, compute_capability=compute_capability)
