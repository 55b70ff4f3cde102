"""Models of an arena for tests."""

from typing import Any

from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.evaluation.arena.arena_settings import Contestant


def contestant(name: str, url: str = "", **values: Any) -> Contestant:
    """Return a model with an address of its own, unless one is given."""
    return Contestant(name=name, remote=RemoteModel(urls=(url or f"http://{name.lower()}.example/v1",)), **values)
