"""Report of the tuning study, and the committed results."""

from pathlib import Path

from tanuki_jax.planning.studies import tuning_study
from tanuki_jax.planning.studies.tuning_study import Run

ROOT = Path(__file__).parents[3]
REPORT = ROOT / "benchmarks" / "tuning.json"


def test_a_report_is_read_back_and_becomes_a_table(tmp_path: Path) -> None:
    run = Run(
        seed=3,
        format=0.96,
        correct=0.5,
        preferred_before=0.49,
        rewarded=1.0,
        written_before=0.4,
        written=0.8,
        format_after=0.95,
    )
    tuning_study.write(tmp_path / "report.json", [run], 300, ["python -m tanuki_jax.train"])
    assert tuning_study.read(tmp_path / "report.json") == [run]
    assert (
        tuning_study.markdown([run]).splitlines()[2] == "| 3 | 96.0% | 50.0% | 49.0% | 100.0% | 40.0% | 80.0% | 95.0% |"
    )


def test_the_readme_shows_what_was_measured() -> None:
    assert tuning_study.markdown(tuning_study.read(REPORT)) in (ROOT / "README.md").read_text("utf-8")


def test_sft_learns_the_form_and_dpo_keeps_it() -> None:
    runs = tuning_study.read(REPORT)
    assert len(runs) >= 3
    for run in runs:
        assert run.format >= 0.95
        assert run.format_after > run.format - 0.02
        assert run.preferred_before <= 0.6 and run.rewarded > 0.9
        assert run.written > run.written_before
