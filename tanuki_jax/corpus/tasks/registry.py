"""The table of task families: a new family is one file beside this one and one row here."""

import difflib
from collections.abc import Mapping
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.tasks.arithmetic import Arithmetic
from tanuki_jax.corpus.tasks.dialogue import Dialogue
from tanuki_jax.corpus.tasks.family import Family
from tanuki_jax.corpus.tasks.instructions import Instructions
from tanuki_jax.corpus.tasks.style import Style
from tanuki_jax.corpus.tasks.table import Table

FAMILIES: Mapping[str, Family[Any, Any]] = {
    family.name: family for family in (Arithmetic(), Table(), Dialogue(), Instructions(), Style())
}
"""Name -> family."""


def find(name: str) -> Family[Any, Any]:
    """Return the family of a name. InputError offers the nearest name if there is none."""
    if name not in FAMILIES:
        (near,) = difflib.get_close_matches(name, FAMILIES, n=1, cutoff=0.0)
        raise InputError(f"there is no task family named {name!r}; the nearest is {near!r}")
    return FAMILIES[name]
