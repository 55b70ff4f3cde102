"""One run by processes, by a real Ray cluster and by a real SLURM: the same set of records."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.corpus.synthesis.echo import FILE, texts_of
from tests.rehearsal import rehearsing

pytestmark = pytest.mark.engines


def records(out: Path, teacher: str, *words: str) -> dict[str, str]:
    """Return the records of the command with these options."""
    command = [sys.executable, "-m", "tanuki_jax.synthesize", f"--config={FILE}:slow", "--teacher.urls", teacher]
    ended = subprocess.run(
        [*command, "--part-items", "50", "--out", str(out), *words], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    found = texts_of(out)
    assert len(found) == 300
    return found


@pytest.mark.usefixtures("cluster")
def test_slurm_writes_the_same_records(tmp_path: Path) -> None:
    with rehearsing(tmp_path / "log.jsonl", "--latency", "0.05") as teacher:
        here = records(tmp_path / "here", teacher.url)
        jobs = ("--engine", "slurm", "--slurm.memory", "1", "--slurm.array", "3", "--workers", "2")
        assert records(tmp_path / "there", teacher.url, *jobs) == here


def test_ray_writes_the_same_records(tmp_path: Path, ray_address: str) -> None:
    with rehearsing(tmp_path / "log.jsonl", "--latency", "0.05") as teacher:
        here = records(tmp_path / "here", teacher.url)
        assert records(tmp_path / "there", teacher.url, "--engine", "ray", "--ray", ray_address) == here
