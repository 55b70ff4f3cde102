"""Clusters on this machine, for the tests of what runs on engines."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launch.cluster import require_cluster


@pytest.fixture(scope="module")
def cluster() -> None:
    """Require the SLURM of two_nodes.sh."""
    require_cluster()


@pytest.fixture(scope="module")
def ray_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a Ray cluster of two workers on this machine."""
    program = Path(sys.executable).with_name("ray")
    folder = tmp_path_factory.mktemp("ray")
    words = ["--head", "--port=26379", "--num-cpus=2", "--include-dashboard=false", f"--temp-dir={folder}"]
    environment = os.environ | {"RAY_DISABLE_IMPORT_WARNING": "1", "PYTHONPATH": os.getcwd()}
    subprocess.run([program, "start", *words], check=True, env=environment, capture_output=True)
    yield "127.0.0.1:26379"
    subprocess.run([program, "stop", "--force"], check=True, capture_output=True)
