"""Pages of an arena: the battle, the models, the board, and how it works; Japanese first, English a click away."""

import dataclasses
import functools
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tanuki_jax.evaluation.arena.arena_settings import Arena

_TEMPLATES = Path(__file__).parent / "templates"
_FILES = {"arena.js": "text/javascript; charset=utf-8", "arena.css": "text/css; charset=utf-8"}
_PAGES = {"": "battle", "models": "models", "board": "board", "how": "how"}
BOARD_SECONDS = 60.0
"""Seconds for which a board is shown before it is made again."""


@dataclasses.dataclass(frozen=True)
class Page:
    """Content that a browser gets."""

    content: str
    kind: str
    """Media type."""


def kept[Value](make: Callable[[], Value], seconds: float) -> Callable[[], Value]:
    """Return a function that makes a value, and gives the same one for some seconds."""
    lock, found = threading.Lock(), list[tuple[float, Value]]()

    def value() -> Value:
        with lock:
            if not found or time.monotonic() - found[0][0] > seconds:
                found[:] = [(time.monotonic(), make())]
            return found[0][1]

    return value


class Pages:
    """The pages of an arena."""

    def __init__(self, arena: Arena, board: Callable[[], dict[str, Any]]) -> None:
        """Take an arena, and a function that returns the values of the template of its board."""
        self._arena = arena
        self._board = kept(lambda: self._rendered("board", **board()), BOARD_SECONDS)

    def find(self, path: str) -> Page | None:
        """Return the page or file of a path; None: there is none."""
        if path in _FILES:
            return Page((_TEMPLATES / path).read_text("utf-8"), _FILES[path])
        name = _PAGES.get(path)
        if name is None:
            return None
        return Page(self._board() if name == "board" else self._rendered(name), "text/html; charset=utf-8")

    def _rendered(self, name: str, **values: Any) -> str:
        return str(_environment().get_template(f"{name}.html.jinja").render(arena=self._arena, page=name, **values))


@functools.cache
def _environment() -> Any:
    import jinja2

    loader = jinja2.FileSystemLoader(_TEMPLATES)
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
