"""Stand-ins for devices that this machine lacks, with what the choice of a backend reads."""

import types
from typing import Any


def device(platform: str, compute_capability: str = "") -> Any:
    return types.SimpleNamespace(platform=platform, compute_capability=compute_capability)
