"""The table of filters: a new filter is one file beside this one and one row here."""

from collections.abc import Mapping

from tanuki_jax.corpus.synthesis.made import Filter

FILTERS: Mapping[str, type[Filter]] = {}
"""Name -> filter."""


def name_of(filter: Filter) -> str:
    """Return the name of a filter."""
    return next(name for name, kind in FILTERS.items() if type(filter) is kind)
