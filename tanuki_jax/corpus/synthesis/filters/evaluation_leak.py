"""Drop texts that hold items of evaluations."""

from dataclasses import dataclass

import numpy as np

from tanuki_jax.config.limits import check_fields
from tanuki_jax.corpus.cleaning.contamination.evaluation_items import load
from tanuki_jax.corpus.cleaning.contamination.evaluation_settings import Evaluation
from tanuki_jax.corpus.synthesis.made import Made


@dataclass(frozen=True, kw_only=True)
class EvaluationLeak:
    """Drop texts with half of the character 20-grams of an evaluation item, as `clean` finds items.

    One record is judged alone: an n-gram that is common in a corpus is evidence here. The index of the files is made
    at the first record, once in a process.
    """

    files: tuple[str, ...] = ()
    """Files or globs with evaluation items, JSON lines, JSON or Parquet; empty: nothing is looked for."""
    fields: tuple[str, ...] = ()
    """Fields whose texts are items, each by itself; empty: every text of a row."""

    def __post_init__(self) -> None:
        check_fields(self)

    def reason(self, made: Made) -> str:
        """Return why the record is dropped; empty: it is kept.

        Raises:
            InputError: the files cannot be read, or hold no item that is long enough.
        """
        if not self.files:
            return ""
        index = load(Evaluation(paths=self.files, fields=self.fields))
        found = index.occurrences(made.written)
        items = index.contained(found, np.ones(index.size, np.bool_)) if len(found.grams) else []
        return "an item of an evaluation" if items else ""
