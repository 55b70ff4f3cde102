"""A sweep whose trials a real SLURM trains: its options, its results, and jobs that end without a result."""

import csv
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tanuki_jax.planning.sweep.slurm_training import OUT_OF_TIME
from tests.launch.cluster import (
    PATIENCE,
    fail_node,
    require_cluster,
    shown,
    slurm,
    state,
    task,
    wait_for_restart,
    wait_until,
)
from tests.planning.sweep.own_sweeps import own_sweeps

pytestmark = pytest.mark.slurm

FOUR_DEVICES = {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
"""Variable of processes with four devices, two of which share the eight rows of a batch."""


@pytest.fixture
def sweeps(tmp_path: Path) -> Iterator[str]:
    """Return a file of sweeps whose data are prepared; their jobs are cancelled at the end."""
    require_cluster()
    file = str(own_sweeps(tmp_path))
    words = ["-m", "tanuki_jax.prepare", f"--config={file}:base", "--workers=1"]
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    yield file
    for name, job in jobs().items():
        if name.startswith(("seeds-", "longer-", "endless-")):
            slurm("scancel", job)


def start(sweeps: str, name: str, *words: str, **environment: str) -> subprocess.Popen[str]:
    out = Path(sweeps).parent / "out"
    options = (f"--config={sweeps}:{name}", f"--out={out}", "--executor=slurm", "--time=10", *words)
    command = [sys.executable, "-m", "tanuki_jax.sweep", *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | environment
    )


def finish(sweep: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = sweep.communicate(timeout=PATIENCE)
    assert sweep.returncode == 0, err
    return out, err


def jobs() -> dict[str, str]:
    """Return the ids of the jobs in the queue by their names."""
    listed = slurm("squeue", "--noheader", "--format=%j %A").splitlines()
    return dict(line.split() for line in listed)


def results(sweeps: str) -> dict[str, tuple[str, str]]:
    rows = csv.DictReader((Path(sweeps).parent / "out" / "results.csv").read_text().splitlines())
    return {row["name"]: (row["outcome"], row["reason"]) for row in rows}


def has_steps(sweeps: str, number: int) -> bool:
    """Whether a trial has begun to train."""
    metrics = Path(sweeps).parent / "out" / "runs" / f"{number:04d}" / "metrics.jsonl"
    return metrics.exists() and '"loss"' in metrics.read_text()


def test_trials_run_as_jobs_of_their_names(sweeps: str) -> None:
    sweep = start(sweeps, "seeds")
    wait_until(lambda: {"seeds-0000", "seeds-0001"} <= set(jobs()))
    out, err = finish(sweep)
    assert "seeds: 2 done" in out
    assert results(sweeps) == {"seed 1": ("done", ""), "seed 2": ("done", "")}
    assert re.search(r"job \d+ trains seed 1, with the log \S+/jobs/\d+_0_log.err\n", err)


def test_every_option_reaches_the_job(sweeps: str) -> None:
    """Also where a variable says something else."""
    words = ["--partition=patient", "--account=ours", "--nodes=2", "--trials=1"]
    words += ["--sbatch=begin=now+1hour", "--sbatch=mem=500M", "--sbatch=exclusive", "--sbatch=comment=two words"]
    variables = {"SBATCH_PARTITION": "main", "SBATCH_TIMELIMIT": "99", "SBATCH_ACCOUNT": "theirs"}
    sweep = start(sweeps, "seeds", *words, **variables)
    wait_until(lambda: "seeds-0000" in jobs())
    job = shown(jobs()["seeds-0000"])
    sweep.send_signal(signal.SIGINT)
    sweep.communicate(timeout=60)
    assert (job["Partition"], job["Account"], job["TimeLimit"]) == ("patient", "ours", "00:10:00")
    assert (job["NumNodes"], job["NumTasks"], job["MinMemoryNode"], job["OverSubscribe"]) == ("2-2", "2", "500M", "NO")
    assert (job["Requeue"], job["Comment"]) == ("1", "two")
    assert job["JobState"] == "PENDING"


def test_a_trial_may_train_on_two_nodes(sweeps: str) -> None:
    out, _ = finish(start(sweeps, "seeds", "--nodes=2", "--trials=1", **FOUR_DEVICES))
    assert "seeds: 1 done" in out
    events = (Path(sweeps).parent / "out" / "runs" / "0000" / "events.jsonl").read_text()
    assert '"processes": 2' in events


def test_jobs_that_end_without_a_result_are_failed_trials(sweeps: str) -> None:
    sweep = start(sweeps, "endless")
    wait_until(lambda: has_steps(sweeps, 0) and has_steps(sweeps, 1))
    first, second = (jobs()[f"endless-000{number}"] for number in range(2))
    node = shown(first)["NodeList"]
    os.kill(task(first, 0), signal.SIGKILL)
    slurm("scancel", second)
    out, _ = finish(sweep)
    assert "endless: 2 failed" in out
    reasons = results(sweeps)
    assert reasons["seed 1"] == ("failed", f"job {first} has no result: it failed; srun: error: {node}: task 0: Killed")
    assert reasons["seed 2"] == ("failed", f"job {second} has no result: it was cancelled")


@pytest.mark.parametrize("nodes", ["1", "2"])
def test_a_job_whose_time_is_up_saves_and_goes_on_later(sweeps: str, nodes: str) -> None:
    sweep = start(sweeps, "longer", "--trials=1", f"--nodes={nodes}", **FOUR_DEVICES)
    wait_until(lambda: has_steps(sweeps, 0))
    job = jobs()["longer-0000"]
    slurm("scancel", f"--signal={OUT_OF_TIME.name}", job)
    wait_for_restart(job)
    out, _ = finish(sweep)
    assert "longer: 1 done" in out
    assert shown(job)["Restarts"] == "1"
    events = (Path(sweeps).parent / "out" / "runs" / "0000" / "events.jsonl").read_text()
    assert '"event": "resumed"' in events


def test_a_job_whose_nodes_another_job_gets_saves_and_goes_on_later(sweeps: str) -> None:
    sweep = start(sweeps, "longer", "--trials=1", "--partition=patient")
    wait_until(lambda: has_steps(sweeps, 0))
    job = jobs()["longer-0000"]
    slurm("sbatch", "--partition=urgent", "--nodes=2", "--exclusive", "--output=/dev/null", "--wrap=sleep 1")
    wait_for_restart(job)
    out, _ = finish(sweep)
    assert "longer: 1 done" in out


def test_an_interrupted_sweep_waits_for_the_same_job(sweeps: str) -> None:
    sweep = start(sweeps, "seeds", "--trials=1", "--sbatch=begin=now+20")
    wait_until(lambda: "seeds-0000" in jobs())
    job = jobs()["seeds-0000"]
    sweep.send_signal(signal.SIGINT)
    _, err = sweep.communicate(timeout=60)
    assert f"job {job} continues; the same command waits for it" in err
    out, err = finish(start(sweeps, "seeds", "--trials=1", "--sbatch=begin=now+20"))
    assert f"job {job}, submitted before, trains seed 1" in err and "seeds: 1 done" in out
    assert state(job) == "COMPLETED"


def test_a_job_that_slurm_refuses_ends_the_sweep_and_not_its_trial(sweeps: str) -> None:
    sweep = start(sweeps, "seeds", "--trials=1", "--partition=nowhere")
    out, err = sweep.communicate(timeout=PATIENCE)
    assert sweep.returncode == 2 and "1 left, run the same command again" in out
    line = "Batch job submission failed: Invalid partition name specified"
    assert err.endswith(f"SLURM refused the job of seed 1, which is left to do: {line}\n")
    assert "seeds: 1 done" in finish(start(sweeps, "seeds", "--trials=1"))[0]


def test_a_node_that_fails_does_not_fail_its_trial(sweeps: str) -> None:
    sweep = start(sweeps, "longer", "--trials=1")
    wait_until(lambda: has_steps(sweeps, 0))
    job = jobs()["longer-0000"]
    node = shown(job)["NodeList"]
    fail_node(node)
    out, _ = finish(sweep)
    assert "longer: 1 done" in out
    assert shown(job)["Restarts"] == "1"
