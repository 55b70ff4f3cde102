"""SLURM trials: the nodes and GPUs of a job, and a resumed sweep that waits for it. Scripts stand in for SLURM."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.registry import experiment
from tanuki_jax.config.sweep import Choice, Sweep
from tanuki_jax.planning.plan.target import parse
from tanuki_jax.planning.sweep.slurm_trials import SlurmTrials, job_script, require_slurm
from tanuki_jax.planning.sweep.study import Study
from tanuki_jax.planning.sweep.sweep_settings import JobOptions, SweepSettings

TINY = experiment.find("tiny")
JOB = JobOptions(minutes=90, partition="a100", others={"qos": "high", "exclusive": "", "gpus-per-node": "4"})

SBATCH = """#!/bin/sh
echo "$*" >>"FOLDER/calls"
for script; do :; done
cp "$script" "FOLDER/submitted.sh"
export SLURM_JOB_ID=17 SLURM_NTASKS=1 SLURM_PROCID=0 SLURM_LOCALID=0 SLURM_NODEID=0 SLURM_JOB_NUM_NODES=1
sh "$script" >"FOLDER/output" 2>&1 &
echo "Submitted batch job 17"
"""
SRUN = """#!/bin/sh
while true; do
    case "$1" in
    --output | --error) shift 2 ;;
    -*) shift ;;
    *) exec "$@" ;;
    esac
done
"""
SQUEUE = "#!/bin/sh\necho '17 STATE'\n"
REFUSES = "#!/bin/sh\necho 'sbatch: error: invalid partition' >&2\nexit 1\n"


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Return a function that puts the scripts on the path and returns their folder."""

    def install(sbatch: str = SBATCH, state: str = "RUNNING") -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        for name, text in {"sbatch": sbatch, "srun": SRUN, "squeue": SQUEUE}.items():
            (folder / name).write_text(text.replace("FOLDER", str(folder)).replace("STATE", state))
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=":")
        return folder

    return install


def sweep_in(folder: Path) -> Sweep:
    """Return a sweep of one trial, whose training fails because its data are missing."""
    base = replace(
        TINY,
        data=replace(
            TINY.data, stores=str(folder / "stores"), tokenizer=replace(TINY.data.tokenizer, path=str(folder / "t"))
        ),
    )
    return Sweep(
        name="s", objective="held_out/all", direction="minimize", base=base, axes={"seed": Choice(values=(1,))}
    )


def study(folder: Path) -> Study:
    return Study(SweepSettings(sweep=sweep_in(folder), folder=folder / "out", executor="slurm"))


def test_a_machine_without_slurm_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"^--executor slurm needs SLURM; this machine has no sbatch and no srun$"):
        require_slurm()


def test_a_job_is_shown_without_slurm(tmp_path: Path) -> None:
    shown = SweepSettings(
        sweep=sweep_in(tmp_path), folder=tmp_path, executor="slurm", target="h100:2x8", job=JOB, dry_run=True
    )
    script = job_script(shown)
    for line in ("--nodes=2", "--time=90", "--partition=a100", "--qos=high", "--exclusive", "--job-name=s-0000"):
        assert f"#SBATCH {line}\n" in script
    assert re.findall("--gpus-per-node=(.*)", script) == ["4"]  # --sbatch wins over the target
    assert "--account" not in script and "TRIAL" in script


@pytest.mark.parametrize(("minutes", "seconds"), [(0, 600), (5, 30), (60, 360), (1440, 600)])
def test_a_job_saves_a_tenth_of_its_limit_before_the_limit(tmp_path: Path, minutes: int, seconds: int) -> None:
    job = JobOptions(minutes=minutes, nodes=3)
    script = job_script(SweepSettings(sweep=sweep_in(tmp_path), folder=tmp_path, executor="slurm", job=job))
    for line in (f"--signal=USR2@{seconds}", "--requeue", "--nodes=3", "--ntasks-per-node=1"):
        assert f"#SBATCH {line}\n" in script
    assert ("--time" in script) == bool(minutes)  # otherwise SBATCH_TIMELIMIT


def test_a_job_that_slurm_refuses_is_an_error_and_no_failed_trial(slurm: Callable[..., Path], tmp_path: Path) -> None:
    slurm(REFUSES)
    claimed = study(tmp_path).claim()
    assert claimed is not None
    with pytest.raises(InputError, match=r"^SLURM refused the job of seed 1, which is left to do: invalid partition$"):
        SlurmTrials(tmp_path / "out", "s", "held_out/all", None, JOB).run(claimed, threading.Event())


@pytest.mark.long
def test_a_job_has_the_targets_shape_and_a_resumed_sweep_waits_for_it(
    slurm: Callable[..., Path], tmp_path: Path
) -> None:
    folder, stop = slurm(SBATCH.replace('sh "$script" >', "true >")), threading.Event()
    first, start = study(tmp_path), time.monotonic()
    claimed = first.claim()
    assert claimed is not None
    threading.Timer(1, stop.set).start()
    assert SlurmTrials(tmp_path / "out", "s", "held_out/all", parse("h100:2x8"), JOB).run(claimed, stop) is None
    assert time.monotonic() - start < 60
    script = (folder / "submitted.sh").read_text()
    for line in ("--nodes=2", "--ntasks-per-node=8", "--time=90", "--job-name=s-0000"):
        assert f"#SBATCH {line}\n" in script and f"{line} " in (folder / "calls").read_text()
    first.release(claimed)
    again = study(tmp_path).claim()
    assert again is not None and again.job == "17"
    assert SlurmTrials(tmp_path / "out", "s", "held_out/all", parse("h100:2x8"), JOB).run(again, stop) is None
    assert (folder / "calls").read_text().count("\n") == 1


@pytest.mark.long
@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("CANCELLED", "job 17 has no result: it was cancelled"),
        ("FAILED", "job 17 has no result: it failed; srun: error: task 1: Killed"),
        ("COMPLETED", "the run stopped at step 0 of 300"),
    ],
)
def test_a_job_without_a_result_is_a_failed_trial(
    slurm: Callable[..., Path], tmp_path: Path, state: str, reason: str
) -> None:
    killed = 'printf "srun: error: task 1: Killed\\nsrun: Terminated\\n" >"$(dirname "$script")/17_0_log.err"'
    slurm(SBATCH.replace('sh "$script" >"FOLDER/output" 2>&1 &', killed), state)
    claimed = study(tmp_path).claim()
    assert claimed is not None
    outcome = SlurmTrials(tmp_path / "out", "s", "held_out/all", None, JOB).run(claimed, threading.Event())
    assert outcome is not None
    assert (outcome.verdict, outcome.reason) == ("failed", reason)


@pytest.mark.long
def test_an_error_inside_a_job_is_the_reason(slurm: Callable[..., Path], tmp_path: Path) -> None:
    slurm()
    claimed = study(tmp_path).claim()
    assert claimed is not None
    outcome = SlurmTrials(tmp_path / "out", "s", "held_out/all", None, JOB).run(claimed, threading.Event())
    assert outcome is not None
    stores = tmp_path / "stores"
    assert outcome.verdict == "failed"
    assert outcome.reason.startswith(f"{stores} has no store of python_library, dialogue, which the mixture")
