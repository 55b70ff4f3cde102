"""SLURM trials: the nodes and GPUs of a job, and a resumed sweep that waits for it. Scripts stand in for SLURM."""

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
JOB = JobOptions(minutes=90, partition="a100", others={"qos": "high"})

SBATCH = """#!/bin/sh
cp "$1" "FOLDER/submitted.sh"
echo x >>"FOLDER/calls"
export SLURM_JOB_ID=17 SLURM_NTASKS=1 SLURM_PROCID=0 SLURM_LOCALID=0 SLURM_NODEID=0 SLURM_JOB_NUM_NODES=1
sh "$1" >"FOLDER/output" 2>&1 &
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
SACCT = "#!/bin/sh\necho 'JobID|State|NodeList'\necho '17|RUNNING|here'\n"
REFUSES = "#!/bin/sh\necho 'sbatch: error: invalid partition' >&2\nexit 1\n"


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Return a function that puts the scripts on the path and returns their folder."""

    def install(sbatch: str = SBATCH) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        for name, text in {"sbatch": sbatch, "srun": SRUN, "sacct": SACCT}.items():
            (folder / name).write_text(text.replace("FOLDER", str(folder)))
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
    for line in ("--nodes=2", "--gpus-per-node=8", "--time=90", "--partition=a100", "--qos=high"):
        assert f"#SBATCH {line}\n" in script
    assert "--account" not in script and "TRIAL" in script


def test_a_refused_job_is_a_failed_trial(slurm: Callable[..., Path], tmp_path: Path) -> None:
    slurm(REFUSES)
    claimed = study(tmp_path).claim()
    assert claimed is not None
    outcome = SlurmTrials(tmp_path / "out", "held_out/all", None, JOB).run(claimed, threading.Event())
    assert outcome is not None
    assert (outcome.verdict, "invalid partition" in outcome.reason) == ("failed", True)


@pytest.mark.long
def test_a_job_has_the_targets_shape_and_a_resumed_sweep_waits_for_it(
    slurm: Callable[..., Path], tmp_path: Path
) -> None:
    folder, stop = slurm(SBATCH.replace('sh "$1" >', "true >")), threading.Event()
    first, start = study(tmp_path), time.monotonic()
    claimed = first.claim()
    assert claimed is not None
    threading.Timer(1, stop.set).start()
    assert SlurmTrials(tmp_path / "out", "held_out/all", parse("h100:2x8"), JOB).run(claimed, stop) is None
    assert time.monotonic() - start < 60
    script = (folder / "submitted.sh").read_text()
    for line in ("--nodes=2", "--ntasks-per-node=8", "--gpus-per-node=8", "--time=90"):
        assert f"#SBATCH {line}\n" in script
    first.release(claimed)
    again = study(tmp_path).claim()
    assert again is not None and again.job == "17"
    assert SlurmTrials(tmp_path / "out", "held_out/all", parse("h100:2x8"), JOB).run(again, stop) is None
    assert (folder / "calls").read_text() == "x\n"


@pytest.mark.long
def test_an_error_inside_a_job_is_the_reason(slurm: Callable[..., Path], tmp_path: Path) -> None:
    slurm()
    claimed = study(tmp_path).claim()
    assert claimed is not None
    outcome = SlurmTrials(tmp_path / "out", "held_out/all", None, JOB).run(claimed, threading.Event())
    assert outcome is not None
    stores = tmp_path / "stores"
    assert outcome.verdict == "failed"
    assert outcome.reason.startswith(f"{stores} has no store of python_library, dialogue, which the mixture")
