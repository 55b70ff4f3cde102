"""Study of growing a dense model: its commands, and what it computes from their metrics."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from matplotlib.image import imread

from tanuki_jax.config.registry import experiment
from tanuki_jax.lm.model.flops import training_flops_per_token
from tanuki_jax.planning.studies import upcycling_study
from tanuki_jax.planning.studies.upcycling_study import ARMS, Run, UpcyclingStudy

ROOT = Path(__file__).parents[3]


def pretend(words: Sequence[str]) -> None:
    """Write what a command would leave: a folder for `convert`, metrics with 100 tokens a step for `train`."""
    if words[0] == "tanuki_jax.convert":
        Path(words[2]).mkdir(parents=True)
        return
    runs, name, steps = (words[words.index(option) + 1] for option in ("--runs", "--name", "--steps"))
    run = Path(runs) / name
    run.mkdir(parents=True)
    lines = [{"step": 0, "held_out/all": 3.0}]
    lines += [{"step": step, "loss": 2.5, "tokens": 100 * step} for step in range(1, int(steps) + 1)] + [
        {"step": int(steps), "held_out/all": 2.0}
    ]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


def test_all_arms_use_the_same_tokens_and_runs_are_reused(tmp_path: Path) -> None:
    study = UpcyclingStudy(tmp_path, 2, 3, 2, pretend)
    runs = study.run()
    assert [(run.arm, run.seed) for run in runs] == [(arm.name, seed) for seed in range(2) for arm in ARMS]
    assert {run.tokens for run in runs} == {500}
    assert [run.held_out for run in runs[:2]] == [((300, 3.0), (500, 2.0))] * 2 and runs[3].held_out == (
        (0, 3.0),
        (500, 2.0),
    )
    tiny, mixture = (training_flops_per_token(experiment.find(name).model, 256) for name in ("tiny", "tiny_moe"))
    assert [run.flops for run in runs[:4]] == [500 * tiny, *[300 * tiny + 200 * mixture] * 2, 500 * mixture]
    assert sum("convert upcycle" in command for command in study.commands) == 4
    again = UpcyclingStudy(tmp_path, 2, 3, 2, lambda words: pytest.fail(f"{words} ran twice"))
    assert again.run() == runs and again.commands == study.commands


def test_a_report_is_read_as_it_was_written_and_drawn(tmp_path: Path) -> None:
    runs = [
        Run(
            arm=arm.name, seed=seed, flops=2e12, tokens=500, first_loss=2.5, held_out=((0, 3.0), (500, 2.0 + seed / 10))
        )
        for seed in range(2)
        for arm in ARMS
    ]
    upcycling_study.write(tmp_path / "report.json", runs, ["python -m tanuki_jax.train"])
    assert upcycling_study.read(tmp_path / "report.json") == runs
    upcycling_study.plot(tmp_path / "report.png", runs)
    assert imread(tmp_path / "report.png").shape[:2] == (540, 960)
    assert "| dense, continued | 0.00M | 2.0T | 2.500 ± 0.000 | 2.050 ± 0.071 |" in upcycling_study.markdown(runs)


def test_the_readme_shows_what_was_measured() -> None:
    runs = upcycling_study.read(ROOT / "benchmarks" / "upcycling.json")
    assert upcycling_study.markdown(runs) in (ROOT / "README.md").read_text("utf-8")


def test_a_grown_model_starts_at_the_dense_loss_and_ends_lower() -> None:
    runs = {(run.arm, run.seed): run for run in upcycling_study.read(ROOT / "benchmarks" / "upcycling.json")}
    dense, grown, *_ = (arm.name for arm in ARMS)
    seeds = {seed for _, seed in runs}
    assert len(seeds) == 3
    for seed in seeds:
        assert abs(runs[grown, seed].first_loss - runs[dense, seed].first_loss) < 0.05
        assert runs[grown, seed].held_out[-1][1] < runs[dense, seed].held_out[-1][1] < runs[dense, seed].held_out[0][1]
