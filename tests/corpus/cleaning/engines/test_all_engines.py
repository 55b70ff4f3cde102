"""One corpus cleaned by processes, by a real Ray cluster and by a real SLURM: the same documents."""

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.engines.engine import Local
from tanuki_jax.corpus.cleaning.engines.ray_cluster import RayCluster
from tanuki_jax.corpus.cleaning.engines.stage import Beacon
from tanuki_jax.corpus.cleaning.run_cleaning import clean
from tests.corpus.cleaning.test_run_cleaning import corpus_of, texts_of
from tests.launch.cluster import fail_node, slurm

pytestmark = pytest.mark.engines
CONFIG = """
from dataclasses import dataclass, replace
from pathlib import Path
from tests.corpus.cleaning.test_run_cleaning import corpus_of

def mine():
    return replace(corpus_of(Path({folder!r})), part_bytes=4_000, repeats=None, evaluation=None)
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with the pipeline `mine`, over a corpus of several parts."""
    folder = tmp_path_factory.mktemp("corpus")
    corpus_of(folder)
    path = folder / "config.py"
    path.write_text(CONFIG.format(folder=str(folder)))
    return path


@pytest.fixture(scope="module")
def expected(config: Path) -> dict[str, str]:
    """Return the documents that processes of this machine leave."""
    pipeline = replace(corpus_of(config.parent), repeats=None, evaluation=None)
    return texts_of(clean(pipeline, config.parent / "local", Local(2)).folder)


def command(config: Path, out: Path, *words: str) -> "subprocess.Popen[str]":
    """Start the command."""
    line = [sys.executable, "-m", "tanuki_jax.clean", f"--config={config}:mine", "--out", str(out), *words]
    return subprocess.Popen(line, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def end(process: "subprocess.Popen[str]") -> None:
    """Wait for the command, which must succeed."""
    said, _ = process.communicate(timeout=1_200)
    assert process.returncode == 0, said


SLURM = ("--engine", "slurm", "--slurm.memory", "1", "--slurm.array", "3")


@pytest.mark.usefixtures("cluster")
def test_slurm_with_more_tasks_than_jobs(config: Path, tmp_path: Path, expected: dict[str, str]) -> None:
    end(command(config, tmp_path / "out", *SLURM))
    assert texts_of(tmp_path / "out") == expected


@pytest.mark.usefixtures("cluster")
def test_slurm_with_a_node_that_fails(config: Path, tmp_path: Path, expected: dict[str, str]) -> None:
    process = command(config, tmp_path / "out", *SLURM)
    while not slurm("squeue", "--noheader", "--states=running", "--format=%N"):
        time.sleep(0.5)
    fail_node(slurm("squeue", "--noheader", "--states=running", "--format=%N").splitlines()[0])
    end(process)
    assert texts_of(tmp_path / "out") == expected


def test_ray(config: Path, tmp_path: Path, expected: dict[str, str], ray_address: str) -> None:
    end(command(config, tmp_path / "out", "--engine", "ray", "--ray", ray_address, "--workers", "2"))
    assert texts_of(tmp_path / "out") == expected


def test_ray_with_workers_that_are_killed(
    config: Path, tmp_path: Path, expected: dict[str, str], ray_address: str
) -> None:
    process = command(config, tmp_path / "out", "--engine", "ray", "--ray", ray_address, "--workers", "2")
    killed = 0
    while killed < 3 and process.poll() is None:
        found = subprocess.run(["pgrep", "-f", "^ray::clean: "], capture_output=True, text=True, check=False)
        for word in found.stdout.split()[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(word), signal.SIGKILL)
                killed += 1
        time.sleep(0.2)
    assert killed == 3
    end(process)
    assert texts_of(tmp_path / "out") == expected


def postings_of(config: Path, out: Path, *words: str) -> list[tuple[object, ...]]:
    """Count facts of the corpus with many small parts, and return the postings without the numbers of documents."""
    (config.parent / "facts.tsv").write_text("entity\trelation\tanswers\n文書\t*の\t*は\n", "utf-8")
    options = ["--facts", str(config.parent / "facts.tsv"), "--corpus", str(config.parent / "*.jsonl")]
    line = [sys.executable, "-m", "tanuki_jax.clean", "coverage", *options, "--part-bytes", "4000", "--out", str(out)]
    end(subprocess.Popen([*line, *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
    query = "SELECT spelling, inside, id, start, stop, sketch FROM read_parquet($files) ORDER BY ALL"
    files = [str(path) for path in (out / "postings").iterdir()]
    assert len(files) > 3
    rows = duckdb.execute(query, {"files": files}).fetchall()
    assert len(rows) > 100
    return rows


@pytest.mark.usefixtures("cluster")
def test_slurm_gives_the_same_postings(config: Path, tmp_path: Path) -> None:
    assert postings_of(config, tmp_path / "out", *SLURM) == postings_of(config, tmp_path / "local")


def test_ray_gives_the_same_postings(config: Path, tmp_path: Path, ray_address: str) -> None:
    on_ray = postings_of(config, tmp_path / "out", "--engine", "ray", "--ray", ray_address)
    assert on_ray == postings_of(config, tmp_path / "local")


@dataclass(frozen=True)
class Failing:
    """A task whose input is wrong."""

    title: str = "fail"
    tasks: int = 1

    def is_done(self, task: int) -> bool:
        """Whether the task is done: never."""
        return False

    def run(self, task: int, beacon: Beacon) -> None:
        """Fail."""
        raise InputError("the input is wrong")


def test_an_error_of_a_task_on_ray_is_that_of_the_command(ray_address: str) -> None:
    ray = importlib.import_module("ray")
    try:
        with pytest.raises(InputError, match=r"^the input is wrong$"):
            RayCluster(ray_address, 0).run(Failing(), [0], lambda: None)
    finally:
        ray.shutdown()
