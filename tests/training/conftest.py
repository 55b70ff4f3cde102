"""Small experiments on the disk, prepared once, and runs of them in processes of their own."""

import base64
import contextlib
import dataclasses
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.train import main

LOCAL = Path(__file__).parents[2] / "launch" / "local.sh"

CONFIG = """
from pathlib import Path

from tanuki_jax.config.experiment import Checkpoints, Data, Experiment, HeldOut, Layout, Schedule, Tokenizer
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.config.model import Model

HERE = Path(__file__).parent


def sources():
    tasks = Source(name="tasks", tasks=("arithmetic", "dialogue"), documents=800)
    files = Source(name="files", paths=(str(HERE / "*.txt"),))
    return Mixture(sources=(tasks, files), stages=(Stage(weights={"tasks": 3, "files": 1}),))


def small():
    return Experiment(
        name="small",
        model=Model(vocabulary=1024, width=32, hidden=64, layers=2, heads=4, kv_heads=4),
        data=Data(
            mixture=f"{HERE}/small.py:sources",
            tokenizer=Tokenizer(path="tokenizer", pieces=900),
            stores="stores",
            sequence_length=64,
            batch_rows=16,
            held_out_share=0.1,
            read_threads=1,
        ),
        steps=40,
        schedule=Schedule(peak=1e-2, warmup_steps=5),
        checkpoints=Checkpoints(every_steps=8),
        held_out=HeldOut(every_steps=20, rows=16),
        layout=Layout(compute_dtype="float32"),
    )
"""


POISONED = """
from pathlib import Path

from tanuki_jax.config.experiment import Checkpoints, Data, Experiment, Guard, HeldOut, Layout, Rewind, Schedule
from tanuki_jax.config.experiment import Tokenizer
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.config.model import Model

HERE = Path(__file__).parent


def sources():
    files = Source(name="files", paths=(str(HERE / "documents.jsonl"),))
    return Mixture(sources=(files,), stages=(Stage(weights={"files": 1}),))


def poisoned():
    return Experiment(
        name="poisoned",
        model=Model(vocabulary=512, width=32, hidden=64, layers=2, heads=4, kv_heads=4),
        data=Data(
            mixture=f"{HERE}/poisoned.py:sources",
            tokenizer=Tokenizer(path="tokenizer", pieces=400),
            stores="stores",
            sequence_length=64,
            batch_rows=16,
            held_out_share=0.05,
            window_documents=40,
            read_threads=1,
        ),
        steps=60,
        schedule=Schedule(peak=1e-2, warmup_steps=5),
        checkpoints=Checkpoints(every_steps=8),
        held_out=HeldOut(every_steps=30, rows=16),
        guard=Guard(window=16),
        rewind=Rewind(max_rejected=4, window=16),
        layout=Layout(compute_dtype="float32"),
    )
"""


@dataclasses.dataclass(frozen=True)
class Workspace:
    """A folder with a config, its tokenizer and its stores."""

    folder: Path
    config: str = "small.py:small"

    def start(self, command: str, *words: str) -> subprocess.Popen[str]:
        return self._start(sys.executable, "-m", f"tanuki_jax.{command}", *words)

    def start_together(self, processes: int, *words: str) -> subprocess.Popen[str]:
        """Start training in several processes with eight devices together; lines of output begin with the process."""
        return self._start(str(LOCAL), str(processes), f"--config={self.config}", *words)

    def _start(self, *words: str) -> subprocess.Popen[str]:
        variables = {"PYTHON": sys.executable, "JAX_COMPILATION_CACHE_DIR": str(self.folder / "cache")}
        return subprocess.Popen(
            words,
            cwd=self.folder,
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str, *words: str) -> subprocess.CompletedProcess[str]:
        return self._finish(self.start(command, *words))

    def train_together(self, processes: int, *words: str) -> subprocess.CompletedProcess[str]:
        """Train to the end in several processes; all their output is in stdout."""
        return self._finish(self.start_together(processes, *words))

    def _finish(self, process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def train(self, name: str, *words: str) -> list[dict[str, Any]]:
        """Train to the end in this process; return the metrics."""
        with contextlib.chdir(self.folder):
            main([f"--config={self.config}", "--name", name, *words])
        return self.metrics(name)

    def train_elsewhere(self, name: str, *words: str) -> list[dict[str, Any]]:
        """Train to the end in a process of its own; return the metrics."""
        finished = self.run("train", f"--config={self.config}", "--name", name, *words)
        assert finished.returncode == 0, finished.stderr
        return self.metrics(name)

    def metrics(self, name: str) -> list[dict[str, Any]]:
        """Return the metrics of a run without those that depend on the clock."""
        path = self.folder / "runs" / name / "metrics.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        clock = ("tokens_per_second", "tokens_per_second_per_device", "data_wait_share")
        return [{key: value for key, value in line.items() if key not in clock} for line in lines]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "runs" / name / "events.jsonl").read_text().splitlines()]


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("workspace")
    (folder / "small.py").write_text(CONFIG)
    for number in range(30):
        text = "\n".join(f"def f{i}(x: int) -> int:\n    return x * {i * number} + {i}" for i in range(20))
        (folder / f"{number}.txt").write_text(text)
    workspace = Workspace(folder)
    prepared = workspace.run("prepare", "--config=small.py:small", "--workers", "1")
    assert prepared.returncode == 0, prepared.stderr
    return workspace


def plain_documents(count: int) -> list[str]:
    """Return documents of words in random order."""
    chance = random.Random(0)
    words = "the cat dog sat on a mat and then ran over hill to see sun moon star tree house"
    return [" ".join(chance.choices(words.split(), k=chance.randrange(20, 80))) for _ in range(count)]


def poison(seed: int, size: int = 6000) -> str:
    """Return a document of random bytes in base64."""
    return base64.b64encode(random.Random(seed).randbytes(size)).decode()


def poisoned_workspace(folder: Path, documents: list[str], tokenizer: Path | None = None) -> Workspace:
    """Make a workspace of the experiment `poisoned` with these documents, and their own tokenizer or a copy of one."""
    (folder / "poisoned.py").write_text(POISONED)
    (folder / "documents.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in documents))
    if tokenizer:
        shutil.copytree(tokenizer, folder / "tokenizer")
    workspace = Workspace(folder, "poisoned.py:poisoned")
    prepared = workspace.run("prepare", f"--config={workspace.config}", "--workers", "1")
    assert prepared.returncode == 0, prepared.stderr
    return workspace


@pytest.fixture(scope="session")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Make a workspace with one document of random bytes in a thousand; its pieces are read by a few adjacent steps."""
    return poisoned_workspace(tmp_path_factory.mktemp("poisoned"), [*plain_documents(1000), poison(seed=5)])


@pytest.fixture(scope="session")
def undisturbed(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the metrics of the run `undisturbed`."""
    return workspace.train_elsewhere("undisturbed")
