"""The table of rules: a new rule is one file beside this one and one row here."""

from collections.abc import Mapping

from tanuki_jax.corpus.cleaning.draft import Rule
from tanuki_jax.corpus.cleaning.rules.language import Language
from tanuki_jax.corpus.cleaning.rules.length import Length

RULES: Mapping[str, type[Rule]] = {
    "language": Language,
    "length": Length,
}
"""Name -> rule. Reports, scores and options call a rule by this name."""
_NAMES = {kind: name for name, kind in RULES.items()}


def name_of(rule: Rule) -> str:
    """Return the name of a rule."""
    return _NAMES[type(rule)]
