"""What a person sees of a run: a progress bar, TensorBoard, Weights & Biases."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import rich.console
import rich.progress
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.writer import FileWriter

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment

PLAIN_SECONDS = 10.0


class Report(Protocol):
    """Shown every line of metrics, those of held-out losses too."""

    def show(self, line: Mapping[str, Any]) -> None: ...


def scalars(line: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """What curves show of a line of metrics, by name: its numbers, and those of each layer.

    Of a layer's loads that is the largest, as a multiple of the even share.
    """
    for name, value in line.items():
        if name == "expert_load":
            yield from ((f"largest_load/{layer:02}", max(loads) * len(loads)) for layer, loads in enumerate(value))
        elif isinstance(value, list):
            yield from ((f"{name}/{layer:02}", of_layer) for layer, of_layer in enumerate(value))
        elif name != "step":
            yield name, value


class ProgressBar:
    """Step, loss, tokens/s and time left; where stderr is no terminal, a plain line every few seconds."""

    def __init__(self, bar: rich.progress.Progress, steps: int, done: int) -> None:
        self._bar = bar
        self._task = bar.add_task("train", total=steps, completed=done, loss="", speed="")
        self._steps = steps
        self._terminal = bar.console.is_terminal
        self._printed = time.monotonic()

    def show(self, line: Mapping[str, Any]) -> None:
        if "loss" not in line:
            self._print(f"step {line['step']:>6}  held-out loss  {_held_out(line)}")
            return
        loss, speed = f"loss {line['loss']:.4f}", f"{line['tokens_per_second']:,.0f} tok/s"
        self._bar.update(self._task, completed=line["step"], loss=loss, speed=speed)
        if not self._terminal and time.monotonic() - self._printed > PLAIN_SECONDS:
            self._printed = time.monotonic()
            self._print(f"step {line['step']:>6} of {self._steps}  {loss}  {speed}")

    def _print(self, text: str) -> None:
        self._bar.console.print(text, highlight=False, soft_wrap=True)


def _held_out(line: Mapping[str, Any]) -> str:
    """Each source's loss, that of all where there are several, and of pairs what says most about them."""
    found = {name.removeprefix("held_out/"): value for name, value in line.items() if name != "step"}
    losses = {name: value for name, value in found.items() if "/" not in name}
    if len(losses) == 2:
        del losses["all"]
    of_pairs = {
        name: found[f"all/{name}"] for name in ("rewards/accuracies", "rewards/margins") if f"all/{name}" in found
    }
    return "  ".join(f"{name} {value:.4f}" for name, value in (losses | of_pairs).items())


class TensorBoard:
    """Curves for TensorBoard in the run folder: one event a line, since `SummaryWriter` would take one a value, ten times as long."""

    def __init__(self, folder: Path, done: int) -> None:
        self._writer = FileWriter(str(folder))
        self._writer.add_event(Event(step=done + 1, session_log=SessionLog(status=SessionLog.START)))

    def show(self, line: Mapping[str, Any]) -> None:
        values = [Summary.Value(tag=name, simple_value=value) for name, value in scalars(line)]
        self._writer.add_summary(Summary(value=values), line["step"])

    def close(self) -> None:
        self._writer.close()


class WeightsAndBiases:
    """Curves at Weights & Biases."""

    def __init__(self, run: Any) -> None:
        self._run = run

    def show(self, line: Mapping[str, Any]) -> None:
        self._run.log(dict(scalars(line)), step=line["step"])


@contextmanager
def reports(experiment: Experiment, run: Path, done: int, wanted: bool) -> Iterator[list[Report]]:
    """The reports of a run that goes on after `done` steps, closed at the end of the context; none unless `wanted`."""
    if not wanted:
        yield []
        return
    with ExitStack() as stack:
        console = rich.console.Console(file=sys.stderr)
        columns = (
            rich.progress.TextColumn("step {task.completed}/{task.total}"),
            rich.progress.BarColumn(),
            rich.progress.TextColumn("{task.fields[loss]}  {task.fields[speed]}"),
            rich.progress.TimeRemainingColumn(),
        )
        bar = rich.progress.Progress(*columns, console=console, refresh_per_second=2, disable=not console.is_terminal)
        board = stack.enter_context(closing(TensorBoard(run / "tensorboard", done)))
        shown: list[Report] = [ProgressBar(stack.enter_context(bar), experiment.steps, done), board]
        if experiment.logging.wandb_project:
            shown.append(WeightsAndBiases(stack.enter_context(_wandb(experiment, run))))
        yield shown


def _wandb(experiment: Experiment, run: Path) -> Any:
    try:
        import wandb
    except ImportError:
        raise InputError(
            "logging.wandb_project is set, but wandb is not installed; it comes with `tanuki-jax[wandb]`"
        ) from None
    return wandb.init(
        project=experiment.logging.wandb_project, name=experiment.name, id=experiment.name, dir=str(run), resume="allow"
    )
