"""Displays of a run's metrics: progress on stderr, TensorBoard, Weights & Biases."""

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.writer import FileWriter

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import Advance, progress
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.training.runs.run_folder import BEST_METRIC, read_metrics


class Report(Protocol):
    """Display of lines of metrics, those of held-out losses among them."""

    def log_metrics(self, line: Mapping[str, Any]) -> None: ...


def scalars(line: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the numbers of a line of metrics by name, as curves show them, and those of each layer by `name/layer`.

    The loads of a layer's experts become one number, the largest as a multiple of the even share.
    """
    for name, value in line.items():
        if name == "expert_load":
            yield from ((f"largest_load/{layer:02}", max(loads) * len(loads)) for layer, loads in enumerate(value))
        elif isinstance(value, list):
            yield from ((f"{name}/{layer:02}", layer_value) for layer, layer_value in enumerate(value))
        elif name != "step":
            yield name, value


class Terminal:
    """Progress on stderr with loss, learning rate, speed and best held-out loss, and a line for every evaluation."""

    def __init__(self, advance: Advance, done: int, best: tuple[float, int] = (math.inf, 0)) -> None:
        """Begin after `done` steps, with the best held-out loss so far and its step."""
        self._advance, self._step, self._best = advance, done, best
        self._newest: list[str] = []
        advance(0, status="compiling the step")

    def log_metrics(self, line: Mapping[str, Any]) -> None:
        step = line["step"]
        if "loss" not in line:
            self._best = min(self._best, (line.get(BEST_METRIC, math.inf), step))
            self._advance.print(f"step {step:>6}  held-out loss  {_held_out(line)}")
            if self._newest:
                self._advance(0, status=self._status())
            return
        rate, speed = line["learning_rate"], line["tokens_per_second"]
        self._newest = [f"loss {line['loss']:.4f}", f"learning rate {rate:.3g}", f"{speed:,.0f} tokens/s"]
        self._advance(step - self._step, status=self._status())
        self._step = step

    def _status(self) -> str:
        """Return the newest figures, and the best held-out loss if there is one."""
        loss, step = self._best
        best = [f"best held-out loss {loss:.4f} at step {step:,}"] if math.isfinite(loss) else []
        return ", ".join(self._newest + best)


def _held_out(line: Mapping[str, Any]) -> str:
    """Return the loss of each source and of all of them as text, and for pairs accuracy and margin of the rewards."""
    values = {name.removeprefix("held_out/"): value for name, value in line.items() if name != "step"}
    losses = {name: value for name, value in values.items() if "/" not in name}
    if len(losses) == 2:
        del losses["all"]
    rewards = {
        name: values[f"all/{name}"] for name in ("rewards/accuracies", "rewards/margins") if f"all/{name}" in values
    }
    return "  ".join(f"{name} {value:.4f}" for name, value in (losses | rewards).items())


class TensorBoard:
    """Curves for TensorBoard, one event a line; `SummaryWriter` writes one a value, which takes ten times as long."""

    def __init__(self, folder: Path, done: int) -> None:
        self._writer = FileWriter(str(folder))
        self._writer.add_event(Event(step=done + 1, session_log=SessionLog(status=SessionLog.START)))

    def log_metrics(self, line: Mapping[str, Any]) -> None:
        values = [Summary.Value(tag=name, simple_value=value) for name, value in scalars(line)]
        self._writer.add_summary(Summary(value=values), line["step"])

    def close(self) -> None:
        self._writer.close()


class WeightsAndBiases:
    """Curves at Weights & Biases."""

    def __init__(self, run: Any) -> None:
        self._run = run

    def log_metrics(self, line: Mapping[str, Any]) -> None:
        self._run.log(dict(scalars(line)), step=line["step"])


@contextmanager
def reports(experiment: Experiment, run: Path, done: int, wanted: bool) -> Iterator[list[Report]]:
    """Open the reports of a run that goes on after `done` steps; none unless `wanted`.

    Args:
        experiment: of the run.
        run: its folder.
        done: steps so far.
        wanted: whether this process reports.
    """
    if not wanted:
        yield []
        return
    with ExitStack() as stack:
        advance = stack.enter_context(progress(experiment.name, experiment.steps, "step", done=done))
        board = stack.enter_context(closing(TensorBoard(run / "tensorboard", done)))
        shown: list[Report] = [Terminal(advance, done, _best_so_far(run)), board]
        if experiment.logging.wandb_project:
            shown.append(WeightsAndBiases(stack.enter_context(_wandb(experiment, run))))
        yield shown


def _best_so_far(run: Path) -> tuple[float, int]:
    """Return the lowest held-out loss in a run's metrics and its step; (inf, 0) if there is none."""
    lines = (line for line in read_metrics(run) if math.isfinite(line.get(BEST_METRIC, math.nan)))
    return min(((line[BEST_METRIC], line["step"]) for line in lines), default=(math.inf, 0))


def _wandb(experiment: Experiment, run: Path) -> Any:
    try:
        import wandb
    except ImportError:
        raise InputError(
            "logging.wandb_project is set, but wandb is not installed; `pip install tanuki-jax[wandb]` installs it"
        ) from None
    return wandb.init(
        project=experiment.logging.wandb_project, name=experiment.name, id=experiment.name, dir=str(run), resume="allow"
    )
