"""Options of `clean coverage`."""

import dataclasses
from typing import Literal

from tanuki_jax.config.limits import NonNegativeInt, PositiveInt
from tanuki_jax.corpus.cleaning.engines.engine_options import EngineOptions


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Coverage:
    """Options besides those of the engine, which --help shows after them."""

    facts: str
    """File of the facts: entity, relation, answers and, if wanted, wrong answers, each with its spellings. TSV, with
    `|` between spellings and `;` between answers, or YAML."""
    corpus: tuple[str, ...]
    """Files of documents, or globs: the documents of a cleaning run, JSON lines, Parquet."""
    out: str
    """Folder for the postings, the report and the plan; made if needed."""
    text_field: str = "text"
    """Field of JSON lines and Parquet rows that holds the text."""
    window: NonNegativeInt = 70
    """Characters on each side within which an answer counts as near."""
    around: Literal["entity", "relation", "both"] = "both"
    """Word that an answer must be near; the other one may be anywhere in the document."""
    wanted: PositiveInt = 1000
    """Different texts that a model should meet for each answer; what is short of it goes into the plan."""
    part_bytes: PositiveInt = 64 << 20
    """Bytes of the corpus, as it is stored, that one task scans."""
    markdown: bool = False
    """Print the table as Markdown."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Coverage(EngineOptions, _Coverage):
    """Count how often a corpus says each of some facts, and in how many really different texts.

    The corpus is scanned once for all spellings; other windows, and other facts of the same words, need no second scan.
    """
