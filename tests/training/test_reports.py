"""What a person is told of a line of metrics, and what curves show of it."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from tanuki_jax.training.reports import ProgressBar, TensorBoard, scalars


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
    ("line", "said"),
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
def test_a_line_says_the_losses_and_of_pairs_which_are_preferred(line: dict[str, float], said: str) -> None:
    console = Console(file=StringIO(), width=40)
    ProgressBar(Progress(console=console), 10, 0).show({"step": 5} | line)
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue() == f"step      5  held-out loss  {said}\n"


def test_tensorboard_takes_a_line_with_layers(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path, done=0)
    board.show({"step": 1, "loss": 2.0, "router_entropy": [1.0, 1.5]})
    board.close()
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    assert b"router_entropy/01" in content and b"loss" in content
