"""Tables of the settings and the figures of several runs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import rich.console
import rich.table

from tanuki_jax.config.experiment import Preference
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.config.registry import experiment
from tanuki_jax.config.serialize import to_json
from tanuki_jax.training.runs.comparison import figures_table, settings_table
from tanuki_jax.training.runs.recorded_run import RecordedRun, read_run
from tests.training.runs.test_recorded_run import write_run

TINY = experiment.find("tiny")


def rows(table: rich.table.Table | None) -> dict[str, list[str]]:
    """Return the cells of a table by the first one of each row."""
    assert table is not None
    console = rich.console.Console()
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    assert console.measure(table).minimum > 0
    return {name: list(cells) for name, *cells in zip(*columns, strict=True)}


def run(folder: Path, lines: list[dict[str, Any]] | None = None, **changes: Any) -> RecordedRun:
    return read_run(write_run(folder, lines or [], **changes))


def with_mixture(before: RecordedRun, weights: dict[str, float], late: float = 0.0) -> RecordedRun:
    """Give a run a mixture of files with these weights, and for a late stage a weight of `a`."""
    sources = tuple(Source(name=name, paths=(f"{name}.jsonl",)) for name in weights)
    stages = (Stage(weights=weights), *([Stage(from_step=2_000, weights={"a": late})] if late else []))
    (before.path / "mixture.json").write_text(to_json(Mixture(sources=sources, stages=stages)))
    return read_run(before.path)


def test_only_settings_that_differ_have_a_row(tmp_path: Path) -> None:
    plain = run(tmp_path / "plain")
    faster = run(tmp_path / "faster", schedule=replace(TINY.schedule, peak=8e-3), runs="elsewhere")
    assert rows(settings_table([plain, faster])) == {"schedule.peak": ["0.004", "0.008"]}
    assert settings_table([plain, run(tmp_path / "again")]) is None
    assert settings_table([plain]) is None


def test_fields_of_another_objective_are_empty_elsewhere(tmp_path: Path) -> None:
    found = rows(settings_table([run(tmp_path / "a"), run(tmp_path / "b", objective=Preference(beta=0.25))]))
    assert found["objective.kind"] == ["NextToken", "Preference"]
    assert found["objective.beta"] == ["", "0.25"]
    assert found["objective.noise"] == ["0", ""]


def test_mixtures_are_compared_by_sources_and_stages(tmp_path: Path) -> None:
    one = with_mixture(run(tmp_path / "one"), {"a": 1.0, "b": 0.5})
    two = with_mixture(run(tmp_path / "two"), {"a": 1.0, "c": 0.5}, late=3.0)
    assert rows(settings_table([one, two])) == {
        "mixture.sources": ["a, b", "a, c"],
        "mixture.stages.0": ["a 1, b 0.5", "a 1, c 0.5"],
        "mixture.stages.1": ["", "a 3 from data step 2,000"],
    }


def test_a_run_without_a_config_has_question_marks(tmp_path: Path) -> None:
    known = [run(tmp_path / "a"), run(tmp_path / "b", seed=7)]
    bare = run(tmp_path / "bare")
    (bare.path / "config.json").unlink()
    (bare.path / "mixture.json").unlink()
    assert rows(settings_table([*known, read_run(bare.path)])) == {"seed": ["0", "7", "?"]}
    assert settings_table([known[0], read_run(bare.path)]) is None


def test_figures_are_the_last_and_the_best(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [
        {"step": 0, "held_out/a": 5.0, "held_out/b": 4.0, "held_out/all": 4.5},
        {"step": 1, "loss": 4.0, "tokens": 1000, "tokens_per_second": 500.0},
        {"step": 2, "loss": 3.0, "tokens": 3000, "tokens_per_second": 1000.0},
        {"step": 2, "held_out/a": 3.0, "held_out/b": 2.0, "held_out/all": 2.5},
        {"step": 3, "loss": 9.0, "tokens": 7000, "tokens_per_second": 50.0, "accepted": False},
        {"step": 4, "held_out/a": None, "held_out/b": 2.5, "held_out/all": 2.5},
    ]
    assert rows(figures_table([run(tmp_path / "run", lines, steps=10), run(tmp_path / "new")])) == {
        "step": ["4 of 10", "0 of 300"],
        "tokens": ["7,000", ""],
        "training loss, last": ["3.0000", ""],
        "held_out/a, last": ["nan", ""],
        "held_out/a, best": ["3.0000 at step 2", ""],
        "held_out/b, last": ["2.5000", ""],
        "held_out/b, best": ["2.0000 at step 2", ""],
        "held_out/all, last": ["2.5000", ""],
        "held_out/all, best": ["2.5000 at step 2", ""],
        "tokens/s, median": ["500", ""],
        "time of the steps": ["0:01:24", ""],
    }
