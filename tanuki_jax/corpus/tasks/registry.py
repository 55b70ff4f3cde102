"""The table of task families: a new family is one file beside this one and one row here."""

import difflib
from collections.abc import Mapping
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.tasks.arithmetic import Arithmetic
from tanuki_jax.corpus.tasks.calendar_problems import CALENDAR
from tanuki_jax.corpus.tasks.dialogue import Dialogue
from tanuki_jax.corpus.tasks.family import Family
from tanuki_jax.corpus.tasks.geometry import GEOMETRY
from tanuki_jax.corpus.tasks.instructions import Instructions
from tanuki_jax.corpus.tasks.probability import PROBABILITY
from tanuki_jax.corpus.tasks.school_arithmetic import SCHOOL_ARITHMETIC
from tanuki_jax.corpus.tasks.statistics_problems import STATISTICS
from tanuki_jax.corpus.tasks.style import Style
from tanuki_jax.corpus.tasks.table import Table
from tanuki_jax.corpus.tasks.table_reading import TABLE_READING
from tanuki_jax.corpus.tasks.text_operations import TEXT_OPERATIONS
from tanuki_jax.corpus.tasks.units import UNITS
from tanuki_jax.corpus.tasks.word_problems import WordProblems

SCHOOL: Mapping[str, WordProblems] = {
    family.name: family
    for family in (
        SCHOOL_ARITHMETIC,
        STATISTICS,
        PROBABILITY,
        GEOMETRY,
        TABLE_READING,
        UNITS,
        CALENDAR,
        TEXT_OPERATIONS,
    )
}
"""Name -> family of school problems at three levels."""

FAMILIES: Mapping[str, Family[Any, Any]] = {
    **{family.name: family for family in (Arithmetic(), Table(), Dialogue(), Instructions(), Style())},
    **SCHOOL,
}
"""Name -> family."""


def find(name: str) -> Family[Any, Any]:
    """Return the family of a name. InputError offers the nearest name if there is none."""
    if name not in FAMILIES:
        (near,) = difflib.get_close_matches(name, FAMILIES, n=1, cutoff=0.0)
        raise InputError(f"there is no task family named {name!r}; the nearest is {near!r}")
    return FAMILIES[name]
