"""Options of `evaluate report`, as they are typed."""

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.command_line import parse_options
from tanuki_jax.evaluation.report.report_options import Report
from tanuki_jax.evaluation.tables.outside_tables import TANUKIS


def test_runs_come_first_and_options_have_defaults() -> None:
    found = parse_options("evaluate report", ["evaluations/a", "evaluations/b"], Report)
    assert found == Report(runs=("evaluations/a", "evaluations/b"))
    assert (found.table, found.correlate, found.without) == ((), False, TANUKIS)


def test_tables_metrics_and_models_take_several_words() -> None:
    words = ["a", "--table", "board", "mine=a.tsv", "--metrics", "rating", "jmt_avg", "--without", "--correlate"]
    found = parse_options("evaluate report", words, Report)
    assert found.runs == ("a",)
    assert found.table == ("board", "mine=a.tsv")
    assert (found.metrics, found.without, found.correlate) == (("rating", "jmt_avg"), (), True)


def test_no_run_is_needed_and_an_unknown_option_is_refused() -> None:
    assert parse_options("evaluate report", ["--correlate"], Report).runs == ()
    with pytest.raises(InputError, match="--tables"):
        parse_options("evaluate report", ["--tables", "board"], Report)
