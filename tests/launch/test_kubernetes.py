"""The JobSet's consistency, and its container's script with a stand-in for Python; it has not run on a cluster."""

import signal
from typing import Any

import pytest
import yaml

from tests.launch.conftest import LAUNCH, Site


@pytest.fixture(scope="module")
def jobset() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((LAUNCH / "kubernetes.yaml").read_text(encoding="utf-8"))
    return loaded


def job(jobset: dict[str, Any]) -> dict[str, Any]:
    (replicated,) = jobset["spec"]["replicatedJobs"]
    spec: dict[str, Any] = replicated["template"]["spec"]
    return spec


def container(jobset: dict[str, Any]) -> dict[str, Any]:
    (only,) = job(jobset)["template"]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def test_the_number_of_pods_and_the_name_of_the_first_are_consistent(jobset: dict[str, Any]) -> None:
    environment = {entry["name"]: entry.get("value") for entry in container(jobset)["env"]}
    assert job(jobset)["parallelism"] == job(jobset)["completions"] == int(environment["JAX_NUM_PROCESSES"])
    name, (replicated,) = jobset["metadata"]["name"], jobset["spec"]["replicatedJobs"]
    assert environment["JAX_COORDINATOR_ADDRESS"].split(":")[0] == f"{name}-{replicated['name']}-0-0.{name}"


def test_a_refusal_ends_the_jobset_and_another_failure_restarts_it(jobset: dict[str, Any]) -> None:
    (rule,) = job(jobset)["podFailurePolicy"]["rules"]
    assert rule["action"] == "FailJob" and rule["onExitCodes"] == {
        "containerName": "train",
        "operator": "In",
        "values": [2, 3],
    }
    assert container(jobset)["name"] == "train"
    (rule,) = jobset["spec"]["failurePolicy"]["rules"]
    assert rule["action"] == "FailJobSet" and rule["onJobFailureReasons"] == ["PodFailurePolicy"]
    assert job(jobset)["backoffLimit"] == 0 and job(jobset)["template"]["spec"]["restartPolicy"] == "Never"


def command(jobset: dict[str, Any]) -> list[str]:
    return [*container(jobset)["command"], *container(jobset)["args"]]


def python(site: Site, script: str) -> None:
    (site.folder / ".venv" / "bin").mkdir(parents=True)
    (site.folder / ".venv" / "bin" / "python").symlink_to(site.program("python", script))


@pytest.mark.parametrize("code", [0, 2, 3, 9])
def test_a_pod_exits_with_the_code_of_the_training(jobset: dict[str, Any], site: Site, code: int) -> None:
    python(site, f'echo "$JAX_OPTIMIZATION_LEVEL"; exit {code}')
    finished = site.run(*command(jobset))
    assert (finished.returncode, finished.stdout) == (code, "O1\n")
    assert site.called() == ["python -m tanuki_jax.train --distributed --config=8b --layout.data=3"]


def test_an_evicted_pod_saves_and_fails(jobset: dict[str, Any], site: Site) -> None:
    python(
        site, "trap 'sleep 0.3; echo saved; exit 0' TERM; echo started; for ((i = 0; i < 200; i++)); do sleep 0.1; done"
    )
    process = site.start(*command(jobset))
    assert process.stdout is not None and process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "saved\n")
