"""The batch script with stand-ins for SLURM's programs; test_slurm_on_two_nodes.py submits it to a real SLURM."""

import signal

import pytest

from tests.launch.conftest import Site


@pytest.fixture
def cluster(site: Site) -> Site:
    python = site.folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch(0o755)
    for program in ("srun", "scontrol", "scancel"):
        site.program(program)
    return site


def submit(cluster: Site, **environment: str) -> tuple[int, list[str]]:
    """Run the job; return its exit code and its calls."""
    finished = cluster.run(
        "bash", "launch/slurm.sbatch", "--config=8b", "--name", "x y", SLURM_JOB_ID="17", **environment
    )
    return finished.returncode, cluster.called()


def test_a_finished_run_is_not_requeued(cluster: Site) -> None:
    cluster.program("srun", 'echo "$JAX_OPTIMIZATION_LEVEL $JAX_COMPILATION_CACHE_DIR $5 $8"')
    finished = cluster.run(
        "bash", "launch/slurm.sbatch", "--config=8b", "--name", "x y", SLURM_JOB_ID="17", JAX_COMPILATION_CACHE_DIR=""
    )
    assert finished.returncode == 0
    assert finished.stdout == f"O1 {cluster.folder}/.cache/jax --distributed x y\n"
    assert cluster.called() == [
        "srun --kill-on-bad-exit=1 .venv/bin/python -m tanuki_jax.train --distributed --config=8b --name x y",
        "scontrol --oneliner show job 17",
    ]


@pytest.mark.parametrize(("moment", "again"), [("2026-11-29T13:15:19", True), ("None", False)])
def test_a_run_that_saved_because_another_job_gets_its_nodes_is_requeued(
    cluster: Site, moment: str, again: bool
) -> None:
    cluster.program("scontrol", f"echo JobId=17 PreemptEligibleTime=2026-11-29T13:14:41 PreemptTime={moment} Power=")
    code, called = submit(cluster)
    assert (code, "scontrol requeue 17" in called) == (0, again)


def test_a_failed_run_is_requeued(cluster: Site) -> None:
    cluster.program("srun", "exit 143")
    code, called = submit(cluster)
    assert (code, called[1:]) == (0, ["scontrol requeue 17"])


def test_a_fourth_failure_within_minutes_is_not_requeued(cluster: Site) -> None:
    cluster.program("srun", "exit 143")
    code, called = submit(cluster, SLURM_RESTART_COUNT="3")
    assert (code, called[1:]) == (143, [])


@pytest.mark.parametrize("refused", [2, 3])
def test_a_failure_that_would_repeat_is_not_requeued(cluster: Site, refused: int) -> None:
    cluster.program("srun", f"exit {refused}")
    code, called = submit(cluster)
    assert (code, called[1:]) == (refused, [])


def test_before_the_time_limit_the_run_saves_and_is_requeued(cluster: Site) -> None:
    cluster.program(
        "srun", "echo started; for ((i = 0; i < 100; i++)); do [[ -e saved ]] && exit; sleep 0.1; done; exit 9"
    )
    cluster.program("scancel", "sleep 0.5; touch saved")
    process = cluster.start("bash", "launch/slurm.sbatch", "--config=8b", SLURM_JOB_ID="17", SLURM_RESTART_COUNT="8")
    assert process.stdout is not None and process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGUSR1)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out == "launch/slurm.sbatch: the time limit is near; resuming from the newest checkpoint\n"
    assert cluster.called()[1:] == ["scancel --signal=TERM 17", "scontrol requeue 17"]


def test_a_run_outside_slurm_is_refused(site: Site) -> None:
    refused = site.run("bash", "launch/slurm.sbatch", "--config=8b")
    message = "launch/slurm.sbatch: this is not a SLURM job; submit it: sbatch launch/slurm.sbatch OPTIONS\n"
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", message)


def test_a_missing_environment_is_refused(site: Site) -> None:
    site.program("srun")
    refused = site.run("bash", "launch/slurm.sbatch", "--config=8b", SLURM_JOB_ID="17")
    message = f"launch/slurm.sbatch: {site.folder} has no .venv; make it with launch/environment.sh .venv gpu\n"
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", message)
    assert site.called() == []
