from dataclasses import dataclass
from pathlib import Path

import pytest

from tanuki_jax.corpus.cleaning.engines.datatrove_step import StageStep, quiet
from tanuki_jax.corpus.cleaning.engines.stage import Beacon, pending


@dataclass(frozen=True)
class Files:
    """Tasks that write a file each."""

    folder: Path
    tasks: int = 4
    title: str = "files"

    def is_done(self, task: int) -> bool:
        """Whether the file is there."""
        return (self.folder / str(task)).exists()

    def run(self, task: int, beacon: Beacon) -> None:
        """Write the file."""
        (self.folder / str(task)).write_text(f"task {task}")


def test_a_stage_is_a_step_of_datatroves_pipelines(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from datatrove.executor import LocalPipelineExecutor

    stage = Files(tmp_path)
    (tmp_path / "1").write_text("was there")
    with quiet():
        LocalPipelineExecutor(
            [StageStep(stage, [0, 1, 3])], tasks=3, workers=1, logging_dir=str(tmp_path / "log")
        ).run()
    assert pending(stage) == [2]
    assert (tmp_path / "1").read_text() == "was there"
    assert (tmp_path / "3").read_text() == "task 3"
    assert "Traceback" not in capfd.readouterr().err


def test_documents_pass_through(tmp_path: Path) -> None:
    assert list(StageStep(Files(tmp_path), [2]).run(iter(["a", "b"]), rank=0)) == ["a", "b"]
    assert pending(Files(tmp_path)) == [0, 1, 3]
