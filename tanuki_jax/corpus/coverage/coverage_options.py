"""Options of `clean coverage`."""

import dataclasses
from typing import Literal

from tanuki_jax.config.limits import NonNegativeInt, PositiveInt
from tanuki_jax.corpus.cleaning.engines.engine_options import EngineOptions


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Coverage:
    """Options besides those of the engine, which --help shows after them."""

    facts: str
    """File of the facts: TSV with the columns entity, relation, answers and, if wanted, wrong (for wrong answers), with
    `|` between the spellings of a word and `;` between answers; or YAML."""
    corpus: tuple[str, ...]
    """Files of documents, or globs in quotes: JSON lines, Parquet, or what a cleaning run wrote. Conversations are not
    counted."""
    out: str
    """Folder for the page, the table, the plan and the postings; made if needed. Its postings are used again."""
    text_field: str = "text"
    """Field of JSON lines and Parquet rows that holds the text."""
    window: NonNegativeInt = 70
    """Number of characters before and after the entity and the relation within which an answer is near."""
    around: Literal["entity", "relation", "both"] = "both"
    """Word that an answer must be near, if not both; the other one may be anywhere in the document."""
    wanted: PositiveInt = 1000
    """Number of different texts wanted for each answer; answers with fewer go into the plan."""
    part_bytes: PositiveInt = 64 << 20
    """Number of bytes that one task scans, as they are stored. With another number, all is scanned again."""
    markdown: bool = False
    """Print the table as Markdown, and nothing else on stdout."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Coverage(EngineOptions, _Coverage):
    """Count how often a corpus says each of some facts, and in how many really different texts.

    The corpus is scanned once for all spellings. Another window, and other facts of the same words, need no second
    scan; new words are scanned for alone, and so are new files.
    """
