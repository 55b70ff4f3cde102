"""Options of `evaluate report`."""

import dataclasses

import tyro

from tanuki_jax.evaluation.tables.outside_tables import TANUKIS


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """Put runs and outside tables side by side: one page, one Markdown file, and for each benchmark a page with all
    questions and answers.

    The tables of the package are board, probe_matrix, post_training, contest and mt_bench_by_tokens; each has its
    source. A page is one file, without a script, and fetches nothing.
    """

    runs: tyro.conf.Positional[tuple[str, ...]] = ()
    """Folders that `evaluate` has written, or folders with such folders below them; none: the tables alone."""
    table: tuple[str, ...] = ()
    """NAME=FILE for tables of your own, .tsv or .csv, with a column `model`; and names of tables of the package, if not
    all are wanted. A file with the name of a table of the package has its columns and replaces it."""
    out: str = "evaluations/report"
    """Folder of the report; its files are replaced."""
    correlate: bool = False
    """Print the correlations as a table. Beside runs or tables of your own, pairs that the tables of the package
    propose are in the report with this option only, or if --table names their table."""
    metrics: tuple[str, ...] = ()
    """Metrics to correlate, each with each other, as in board.rating or mgsm_ja.strict; none: the pairs that the tables
    propose."""
    without: tuple[str, ...] = TANUKIS
    """Models that a second correlation leaves out."""
