"""Work inside a job: which signals save, and which queue the job again. A script stands in for scontrol."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config import registry
from tanuki_jax.planning.sweep.slurm_training import queue_again
from tanuki_jax.planning.sweep.trained_trials import write_config
from tests.planning.sweep.own_sweeps import own_sweeps

SCONTROL = """#!/bin/sh
echo "$*" >>"FOLDER/calls"
echo "JobId=17 JobName=seeds-0000 PreemptEligibleTime=2026-11-29T12:00:00 PreemptTime=TIME LastSchedEval=Unknown"
"""
PREEMPTED = "2026-11-29T12:30:00"
PROGRAM = """
import sys
from tanuki_jax.planning.sweep.slurm_training import Training
Training()(sys.argv[1], False)
print("the work has a result")
"""


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put scontrol on the path for job 17, which is not preempted. Return its folder."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setenv("SLURM_PROCID", "0")
    preempt(tmp_path, "None")
    return tmp_path


def preempt(job: Path, moment: str) -> None:
    (job / "scontrol").write_text(SCONTROL.replace("FOLDER", str(job)).replace("=TIME", f"={moment}"))
    (job / "scontrol").chmod(0o755)


def queued(job: Path) -> bool:
    return "requeue 17\n" in (job / "calls").read_text()


@pytest.mark.parametrize(
    ("out_of_time", "moment", "progress", "again"),
    [
        (True, "None", True, True),
        (True, PREEMPTED, False, True),
        (False, PREEMPTED, True, True),
        (False, "None", True, False),
        (False, "None", False, False),
    ],
)
def test_a_job_is_queued_again_if_its_time_is_up_or_it_is_preempted(
    job: Path, out_of_time: bool, moment: str, progress: bool, again: bool
) -> None:
    preempt(job, moment)
    queue_again(out_of_time, progress=progress)
    assert queued(job) == again


def test_a_limit_in_which_no_step_is_trained_is_an_error(job: Path) -> None:
    message = "^the time limit came before the first step had been trained; set a longer --time$"
    with pytest.raises(InputError, match=message):
        queue_again(True, progress=False)
    assert not queued(job)


@pytest.mark.long
@pytest.mark.parametrize(("number", "again"), [(signal.SIGUSR2, True), (signal.SIGTERM, False)])
def test_a_signal_saves_and_leaves_no_result(job: Path, number: signal.Signals, again: bool) -> None:
    base = f"{own_sweeps(job)}:base"
    words = ["-m", "tanuki_jax.prepare", f"--config={base}", "--workers=1"]
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    experiment = replace(registry.experiment.find(base), name="0000", runs=str(job), steps=2000)
    config = write_config(experiment)
    metrics = job / "0000" / "metrics.jsonl"
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(config)], stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and (not metrics.exists() or len(metrics.read_text().splitlines()) < 3):
            time.sleep(0.05)
        process.send_signal(number)
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "stopped and saved" in out and "the work has a result" not in out
    assert queued(job) == again
