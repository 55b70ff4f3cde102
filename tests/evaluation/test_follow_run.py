"""A run that is followed: every checkpoint gets its scores, also those that the trainer deletes meanwhile."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.benchmarks.held_out_texts import HeldOutTexts
from tanuki_jax.evaluation.benchmarks.school_problems import SchoolProblems
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.evaluation.follow_run import LINES, follow
from tanuki_jax.training.runs.recorded_run import read_run
from tests.evaluation.scripted import scripted
from tests.training.conftest import CONFIG

FILE = Path(__file__)


def slice_of_two() -> Evaluation:
    """Return a slice that the small model of the test can read."""
    texts = HeldOutTexts(paths=("texts.jsonl",), characters=15)
    problems = SchoolProblems(families=("arithmetic",), count=2, form="text", max_tokens=8)
    return Evaluation(name="slice", benchmarks=(texts, problems), data=".")


def run(folder: Path, command: str, *words: str) -> "subprocess.Popen[str]":
    words = (sys.executable, "-m", f"tanuki_jax.{command}", *words)
    return subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process: "subprocess.Popen[str]") -> str:
    """Return the output of a process that ends well."""
    out, err = process.communicate(timeout=400)
    assert process.returncode == 0, err
    return out


@pytest.mark.long
def test_every_checkpoint_of_a_run_gets_its_scores(tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(CONFIG.replace("every_steps=8", "every_steps=8, keep=1, keep_best=False"))
    (tmp_path / "a.txt").write_text("たぬきが山にいた。\n" * 200)
    (tmp_path / "texts.jsonl").write_text(json.dumps({"text": "狸が山にいた。きつねもいた。"}) + "\n")
    finished(run(tmp_path, "prepare", "--config=small.py:small"))
    trainer = run(tmp_path, "train", "--config=small.py:small", "--name", "followed")
    while not (tmp_path / "runs" / "followed" / "config.json").exists():
        time.sleep(0.05)
        assert trainer.poll() is None, trainer.communicate()
    follower = run(tmp_path, "evaluate", f"--config={FILE}:slice_of_two", "--follow", "runs/followed")
    finished(trainer)
    out = finished(follower)
    folder = tmp_path / "runs" / "followed"
    lines = [json.loads(line) for line in (folder / LINES).read_text().splitlines()]
    steps = [line["step"] for line in lines]
    assert steps == [8, 16, 24, 32, 40]
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["00000040"]
    loss = "evaluations/slice/held_out_texts/bits_per_byte"
    assert lines[-1][loss] < lines[0][loss]
    assert len({line["model"] for line in lines}) == 5
    assert read_run(folder).curve(loss) == [(line["step"], line[loss]) for line in lines]
    assert [*(folder / "tensorboard" / "evaluations").glob("events*")] and "step 40: held_out_texts" in out
    finished(run(tmp_path, "evaluate", f"--config={FILE}:slice_of_two", "--follow", "runs/followed"))
    assert len((folder / LINES).read_text().splitlines()) == 5


def test_a_folder_without_a_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no run at .* to follow: it has no config\.json"):
        follow(slice_of_two(), tmp_path, 1, lambda step, evaluated: None)


SERVER = """
import os, sys
checkpoint = sys.argv[sys.argv.index("--checkpoint") + 1]
if checkpoint.endswith("00000016"):
    sys.exit("tanuki_jax.serve: it is damaged")
print("listening on", sys.argv[1] + "/v1", file=sys.stderr, flush=True)
while os.read(0, 1):
    pass
"""


def saved(run: Path, *steps: int) -> None:
    (run / "config.json").write_text("{}")
    for step in steps:
        (run / "checkpoints" / f"{step:08d}").mkdir(parents=True)
        (run / "checkpoints" / f"{step:08d}" / "state.json").write_text("{}")


def test_a_checkpoint_that_cannot_be_served_leaves_the_others_scored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved(tmp_path, 8, 16, 24)
    evaluation = Evaluation(name="e", benchmarks=(SchoolProblems(families=("arithmetic",), count=2),))
    seen: list[int] = []
    with scripted(lambda body: "0") as url:
        words = (sys.executable, "-c", SERVER, url)
        lost = follow(evaluation, tmp_path, 1, lambda step, evaluated: seen.append(step), serve=words)
        assert (seen, lost) == ([8, 24], [16]) and "step 16 has no scores: " in caplog.text
        assert [json.loads(line)["step"] for line in (tmp_path / LINES).read_text().splitlines()] == [8, 24]
        assert not [*(tmp_path / "evaluations" / "e" / "held").iterdir()]


def test_a_checkpoint_that_nobody_saw_is_named(tmp_path: Path) -> None:
    saved(tmp_path, 8, 32, 35)
    (tmp_path / "config.json").write_text(json.dumps({"checkpoints": {"every_steps": 8}}))
    evaluation = Evaluation(name="e", benchmarks=(SchoolProblems(families=("arithmetic",), count=2),))
    with scripted(lambda body: "0") as url:
        words = (sys.executable, "-c", SERVER, url)
        assert follow(evaluation, tmp_path, 1, lambda step, evaluated: None, serve=words) == [16, 24]


def test_a_run_without_a_checkpoint_that_can_be_served_is_an_error(tmp_path: Path) -> None:
    saved(tmp_path, 16)
    with pytest.raises(InputError, match="cannot be served: it is damaged"):
        follow(slice_of_two(), tmp_path, 1, lambda step, evaluated: None, serve=(sys.executable, "-c", SERVER, "url"))
