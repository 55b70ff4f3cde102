"""The launcher of a TPU slice with a stand-in for gcloud; it has not run on a slice."""

import shlex
import shutil
import signal

import pytest

from tests.launch.conftest import Site

BASH = shutil.which("bash") or ""

# The last argument is the command for each host: kill leftover processes, ask the training to save, or train.
GCLOUD = """
case ${@: -1} in
    *'pkill -TERM'*) touch stopped ;;
    *'pkill -KILL'*) ;;
    *) %s ;;
esac
"""


def test_all_hosts_train_in_the_folder_that_they_share(site: Site) -> None:
    site.program("gcloud", GCLOUD % "exit 0")
    assert (
        site.run("launch/tpu.sh", "slice", "zone", "--config=8b", "--name", "x y", SHARED="/mnt/my tanuki").returncode
        == 0
    )
    kill, train = site.called()
    begin = "gcloud compute tpus tpu-vm ssh slice --zone=zone --worker=all --command="
    assert kill == begin + "pkill -KILL -f '[t]anuki_jax.train' || true"
    assert train.startswith(begin)
    argv = shlex.split(train.removeprefix(begin))
    assert argv[:3] == ["cd", "/mnt/my tanuki", "&&"]
    assert argv[-7:] == [".venv/bin/python", "-m", "tanuki_jax.train", "--distributed", "--config=8b", "--name", "x y"]


def test_a_failed_run_starts_again(site: Site) -> None:
    site.program("sleep")
    site.program("gcloud", GCLOUD % "[[ -e failed ]] && exit 0; touch failed; exit 255")
    finished = site.run("launch/tpu.sh", "slice", "zone", "--config=8b")
    assert (finished.returncode, finished.stdout) == (
        0,
        "launch/tpu.sh: ended with code 255; resuming from the newest checkpoint\n",
    )
    assert sum("tanuki_jax.train --distributed" in line for line in site.called()) == 2


def test_a_third_failure_within_minutes_is_not_restarted(site: Site) -> None:
    site.program("sleep")
    site.program("gcloud", GCLOUD % "exit 255")
    assert site.run("launch/tpu.sh", "slice", "zone", "--config=8b").returncode == 255
    assert sum("tanuki_jax.train --distributed" in line for line in site.called()) == 3


@pytest.mark.parametrize("code", [2, 3])
def test_a_failure_that_would_repeat_is_not_restarted(site: Site, code: int) -> None:
    site.program("gcloud", GCLOUD % f"exit {code}")
    refused = site.run("launch/tpu.sh", "slice", "zone", "--config=8b")
    assert (refused.returncode, refused.stdout) == (code, "")
    assert sum("tanuki_jax.train --distributed" in line for line in site.called()) == 1


def test_the_hosts_save_at_ctrl_c(site: Site) -> None:
    save = "[[ -e stopped ]] && sleep 0.5 && echo saved && exit 0"
    site.program("gcloud", GCLOUD % f"echo started; for ((i = 0; i < 100; i++)); do {save}; sleep 0.1; done; exit 9")
    process = site.start("launch/tpu.sh", "slice", "zone", "--config=8b")
    assert process.stdout is not None and process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "saved\n")


def test_missing_options_and_a_missing_gcloud_are_refused(site: Site) -> None:
    refused = site.run("launch/tpu.sh", "slice", "zone")
    message = "launch/tpu.sh: give a slice, its zone, and options of python -m tanuki_jax.train\n"
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", message)
    refused = site.run(BASH, "launch/tpu.sh", "slice", "zone", "--config=8b", PATH=str(site.folder))
    message = "launch/tpu.sh: there is no program gcloud, which connects to the hosts of a slice; install it\n"
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", message)
