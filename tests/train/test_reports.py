"""What curves show of a line of metrics."""

from pathlib import Path

from tanuki_jax.train.reports import TensorBoard, scalars


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


def test_tensorboard_takes_a_line_with_layers(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path, done=0)
    board.show({"step": 1, "loss": 2.0, "router_entropy": [1.0, 1.5]})
    board.close()
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    assert b"router_entropy/01" in content and b"loss" in content
