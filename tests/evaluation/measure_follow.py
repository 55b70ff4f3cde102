"""Slowdown of training by `evaluate --follow`: python -m tests.evaluation.measure_follow FOLDER

`tiny` (300 steps, a checkpoint every 50) is trained alone, and then followed with a slice of 20 school problems and 20
texts. As JSON: seconds of both commands, the share by which the second is slower, and the steps with scores. Nothing
else should run beside it. It works in FOLDER, with the data of `prepare --config=tiny`.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from tanuki_jax.evaluation.benchmarks.held_out_texts import HeldOutTexts
from tanuki_jax.evaluation.benchmarks.school_problems import SchoolProblems
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.evaluation.follow_run import LINES

FILE = Path(__file__)


def followed() -> Evaluation:
    """Return the slice."""
    texts = HeldOutTexts(paths=("texts.jsonl",), count=20, characters=100)
    problems = SchoolProblems(families=("arithmetic",), count=20, form="text", max_tokens=32)
    return Evaluation(name="followed", benchmarks=(texts, problems), data=".")


def start(folder: Path, command: str, *words: str) -> "subprocess.Popen[bytes]":
    """Start a command in a session of its own, as in another terminal."""
    return subprocess.Popen([sys.executable, "-m", f"tanuki_jax.{command}", *words], cwd=folder, start_new_session=True)


def trained(folder: Path, name: str, *, follows: bool) -> float:
    """Return the seconds of a training command."""
    begin = time.monotonic()
    trainer = start(folder, "train", "--config=tiny", "--name", name, "--checkpoints.every-steps", "50")
    while not (folder / "runs" / name / "config.json").exists():
        time.sleep(0.1)
    if follows:
        words = (f"--config={FILE}:followed", "--follow", f"runs/{name}", "--concurrency", "4")
        follower = start(folder, "evaluate", *words)
    assert trainer.wait() == 0
    seconds = time.monotonic() - begin
    if follows:
        assert follower.wait() == 0
    return seconds


def main(folder: Path) -> None:
    """Measure, and print the figures."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"text": f"{number}番目の文章です。狸と狐が山で話をしました。"} for number in range(20)]
    (folder / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert start(folder, "prepare", "--config=tiny").wait() == 0
    trained(folder, "warm", follows=False)  # programs are compiled and kept
    alone = [trained(folder, "alone0", follows=False)]
    beside = [trained(folder, "beside0", follows=True)]
    alone.append(trained(folder, "alone1", follows=False))
    beside.append(trained(folder, "beside1", follows=True))
    steps = [
        [json.loads(line)["step"] for line in (folder / "runs" / name / LINES).read_text().splitlines()]
        for name in ("beside0", "beside1")
    ]
    slower = sum(beside) / sum(alone) - 1
    shown = {"alone_seconds": alone, "followed_seconds": beside, "slower": slower, "steps": steps}
    print(json.dumps(shown))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
