"""Displays of lines of metrics: progress on stderr, and curves."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.progress import progress
from tanuki_jax.config.registry import experiment
from tanuki_jax.training.reports import TensorBoard, Terminal, reports, scalars


def test_layers_have_curves_of_their_own() -> None:
    line = {
        "step": 7,
        "loss": 2.5,
        "expert_load": [[0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.25, 0.25]],
        "router_entropy": [1.2, 1.3],
        "expert_dropped": [0.0, 0.5],
    }
    assert dict(scalars(line)) == {
        "loss": 2.5,
        "largest_load/00": 1.6,
        "largest_load/01": 1.0,
        "router_entropy/00": 1.2,
        "router_entropy/01": 1.3,
        "expert_dropped/00": 0.0,
        "expert_dropped/01": 0.5,
    }


def test_a_dense_models_line_is_shown_as_it_is() -> None:
    assert dict(scalars({"step": 1, "held_out/all": 3.0, "accepted": True})) == {"held_out/all": 3.0, "accepted": True}


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ({"held_out/a": 1.0, "held_out/all": 1.0}, "a 1.0000"),
        ({"held_out/a": 1.0, "held_out/b": 2.0, "held_out/all": 1.5}, "a 1.0000  b 2.0000  all 1.5000"),
        (
            {
                "held_out/a": 0.6,
                "held_out/all": 0.6,
                "held_out/a/rewards/accuracies": 0.9,
                "held_out/all/rewards/accuracies": 0.9,
            }
            | {"held_out/all/logps/chosen": -3.0, "held_out/all/rewards/margins": 0.2},
            "a 0.6000  rewards/accuracies 0.9000  rewards/margins 0.2000",
        ),
    ],
)
def test_an_evaluation_prints_losses_and_for_pairs_the_rewards(
    line: dict[str, float], shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress("small", 10, "step") as advance:
        Terminal(advance, 0).log_metrics({"step": 5} | line)
    assert capsys.readouterr().err == f"step      5  held-out loss  {shown}\n"


def step_line(step: int) -> dict[str, Any]:
    return {"step": step, "loss": 1 / step, "learning_rate": 3e-4, "tokens_per_second": 1234.5}


def test_progress_has_time_left_learning_rate_and_the_best_held_out_loss() -> None:
    with progress("small", 40, "step", done=2) as advance:
        terminal = Terminal(advance, 2, best=(1.75, 2))
        for step in (3, 4):
            time.sleep(0.01)
            terminal.log_metrics(step_line(step))
        assert re.fullmatch(
            r"small: 4 of 40 steps \(10%\), [\d.,]+ steps/s, 0:00:\d\d left, "
            r"loss 0\.2500, learning rate 0\.0003, 1,234 tokens/s, best held-out loss 1\.7500 at step 2",
            advance.line,
        ), advance.line
        for step, loss in ((4, 1.5), (6, float("nan")), (8, 1.6)):
            terminal.log_metrics({"step": step, "held_out/a": loss, "held_out/all": loss})
            assert advance.line.endswith("best held-out loss 1.5000 at step 4")
        terminal.log_metrics(step_line(8))
        assert "small: 8 of 40 steps" in advance.line
        assert advance.line.endswith("best held-out loss 1.5000 at step 4")


def test_a_resumed_run_knows_the_best_held_out_loss_so_far(tmp_path: Path) -> None:
    lines = [{"step": 0, "held_out/all": 4.0}, {"step": 5, "held_out/all": 2.5}, {"step": 9, "held_out/all": 3.0}]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with reports(experiment.find("tiny"), tmp_path, 9, wanted=True) as (terminal, _):
        assert isinstance(terminal, Terminal)
        terminal.log_metrics(step_line(10))
        assert terminal._advance.line.endswith("best held-out loss 2.5000 at step 5")


def test_a_process_that_does_not_report_opens_nothing(tmp_path: Path) -> None:
    with reports(experiment.find("tiny"), tmp_path, 0, wanted=False) as shown:
        assert shown == [] and list(tmp_path.iterdir()) == []


def test_tensorboard_takes_a_line_with_layers(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path, done=0)
    board.log_metrics({"step": 1, "loss": 2.0, "router_entropy": [1.0, 1.5]})
    board.close()
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    assert b"router_entropy/01" in content and b"loss" in content
