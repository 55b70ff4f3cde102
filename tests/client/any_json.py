"""Any JSON, as a strategy: an example of a protocol's JSON in which parts are replaced by other JSON, or missing."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies

MISSING = object()
SCALARS = (
    strategies.none()
    | strategies.booleans()
    | strategies.floats()
    | strategies.integers()
    | strategies.text(max_size=5)
    | strategies.sampled_from([10**400, 1e308, -1, 0, 3])
)
ANY = strategies.recursive(
    SCALARS,
    lambda inner: (
        strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=4,
)

type Path = tuple[str | int, ...]


def json_near(example: Any) -> strategies.SearchStrategy[Any]:
    """Return an example of which up to three parts, or all of it, are any other JSON or missing."""
    paths = [*paths_of(example)]
    changes = strategies.tuples(strategies.sampled_from(paths), ANY | strategies.just(MISSING))
    return strategies.lists(changes, min_size=1, max_size=3).map(lambda chosen: changed(example, chosen)) | ANY


def paths_of(value: Any, before: Path = ()) -> Iterator[Path]:
    """Yield the paths of all parts of a JSON value, without itself."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield (*before, name)
        yield from paths_of(inner, (*before, name))


def changed(example: Any, changes: list[tuple[Path, Any]]) -> Any:
    """Return an example with these parts replaced; a part that an earlier change has removed is left out."""
    result = copy.deepcopy(example)
    for (*outer, name), value in changes:
        try:
            parent = result
            for step in outer:
                parent = parent[step]
            if value is MISSING:
                del parent[name]
            else:
                parent[name] = value
        except (LookupError, TypeError):
            continue
    return result
