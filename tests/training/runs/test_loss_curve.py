"""Picture of a run's losses."""

import json
from pathlib import Path

import numpy as np
from matplotlib.image import imread
from numpy.typing import NDArray

from tanuki_jax.training.runs.loss_curve import draw


def test_losses_that_are_not_finite_do_not_prevent_a_picture(tmp_path: Path) -> None:
    lines = [{"step": step, "loss": float("nan") if step == 5 else 1 / step} for step in range(1, 50)]
    lines += [{"step": 0, "held_out/a": 1.0, "held_out/all": 1.0}, {"step": 40, "held_out/a": 0.5, "held_out/all": 0.5}]
    draw(tmp_path)
    empty = imread(tmp_path / "loss.png")
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    draw(tmp_path)
    drawn = imread(tmp_path / "loss.png")
    assert drawn.shape == empty.shape and np.mean(drawn != empty) > 0.002
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["loss.png", "metrics.jsonl"]


def test_pairs_have_a_panel_and_no_other_metric_counts_as_loss(tmp_path: Path) -> None:
    lines: list[dict[str, float]] = [
        {"step": step, "loss": 1 / step, "rewards/accuracies": step / 50} for step in range(1, 50)
    ]

    def drawn(held_out: dict[str, float]) -> NDArray[np.float32]:
        both = [*lines, {"step": 20, "held_out/a": 0.5, "held_out/all": 0.5, **held_out}]
        (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in both))
        draw(tmp_path)
        return imread(tmp_path / "loss.png")

    plain = drawn({})
    assert plain.shape[0] == 900
    np.testing.assert_array_equal(
        drawn({"held_out/a/logps/chosen": -40.0, "held_out/all/rewards/accuracies": 0.9}), plain
    )
    preferred = drawn({"held_out/a/rewards/accuracies": 0.9})
    np.testing.assert_array_equal(preferred[:400], plain[:400])
    assert (preferred[450:] != plain[450:]).any()


def test_rejected_steps_and_spikes_are_red(tmp_path: Path) -> None:
    lines = [{"step": step, "loss": 1 + 1 / step} for step in range(1, 50)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    def red() -> float:
        draw(tmp_path)
        pixels = imread(tmp_path / "loss.png")
        return float(np.mean((pixels[..., 0] > 0.6) & (pixels[..., 1] < 0.4) & (pixels[..., 2] < 0.4)))

    before = red()
    (tmp_path / "events.jsonl").write_text(
        "".join(json.dumps({"event": "rejected", "step": step}) + "\n" for step in (20, 21))
    )
    ticks = red()
    (tmp_path / "spikes").mkdir()
    spike = {"checkpoint": 16, "metrics": [{"step": step, "loss": 1.5 if step < 29 else 9.0} for step in range(17, 30)]}
    (tmp_path / "spikes" / "001.json").write_text(json.dumps(spike))
    assert before < ticks < red()
