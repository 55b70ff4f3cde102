"""Metrics of steps, from arrays to lines of numbers, one line for `logging.every_steps` steps. They are read one step
late so that the device never waits."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
import numpy.typing as npt

from tanuki_jax.checkpoints.format import State
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.hardware import peak_flops
from tanuki_jax.training.loss_history import read_history
from tanuki_jax.training.setup import flops_per_token
from tanuki_jax.training.step import Metrics


class StepMetrics(NamedTuple):
    """Metrics of one step on the host."""

    step: int
    """Number of the step, from 1."""
    data_step: int
    """Batch that the step read."""
    values: dict[str, Any]


class Recorder:
    """Converter of the metrics of steps to lines.

    A line has the means of its steps; losses of sources are means over their tokens in these steps.

    MFU = tokens/s/device x `flops_per_token` / `peak_flops` of the device, left out where no file lists the device.
    Padding does not count as tokens.
    """

    def __init__(
        self,
        experiment: Experiment,
        progress: State,
        epochs: Callable[[int], Mapping[str, float]],
        row_sources: Callable[[int], Sequence[str]],
        log_metrics: Callable[[dict[str, Any]], None],
        on_step: Callable[[StepMetrics], None],
    ) -> None:
        """Begin after the steps that `progress` counts.

        Args:
            experiment: of the run.
            progress: tokens and spikes so far.
            epochs: data step -> how often each source was read before it.
            row_sources: data step -> source of each row of its batch, for steps that report losses of rows.
            log_metrics: called with the lines of the steps that are logged.
            on_step: called with the metrics of every step, before its line is logged.
        """
        self.tokens = progress.tokens
        self._rewinds = len(read_history(progress).spikes)
        self._epochs, self._row_sources = epochs, row_sources
        self._on_step = on_step
        self.flops_per_token = flops_per_token(experiment)
        self._every = experiment.logging.every_steps
        self._log_metrics = log_metrics
        self._device = jax.local_devices()[0]
        self._pending: tuple[int, int, Metrics, float] | None = None
        self._since = time.perf_counter()
        self._begin_window()

    def push(self, step: int, data_step: int, metrics: Metrics, waited: float) -> None:
        """Keep the metrics of a dispatched step, and log those of the step before.

        Args:
            step: number of the step, from 1.
            data_step: the batch that it read.
            metrics: its arrays, which may not be computed yet.
            waited: seconds that the step waited for its batch.
        """
        self._record()
        self._pending = (step, data_step, metrics, waited)

    def flush(self) -> None:
        """Wait for the last step and log its metrics."""
        self._record()

    def restart_clock(self) -> None:
        """Leave the time since the last step out of the next one's speed, after an evaluation or a save."""
        self._since = time.perf_counter()

    def _record(self) -> None:
        if self._pending is None:
            return
        (step, data_step, arrays, waited), self._pending = self._pending, None
        found = jax.device_get(arrays)
        now = time.perf_counter()
        if "row_losses" in found:
            self._add_rows(data_step, found.pop("row_losses"), found.pop("row_weights"))
        values = {
            name: value.item() if value.ndim == 0 else value.astype(float).round(4).tolist()
            for name, value in found.items()
        }
        self._seconds += now - self._since
        self._since = now
        self._waited += waited
        self._window.append(values)
        self.tokens += int(values["tokens"])
        self._on_step(StepMetrics(step, data_step, values))
        if step % self._every == 0:
            self._log_metrics(self._line(step, data_step))
            self._begin_window()

    def _add_rows(self, data_step: int, losses: npt.NDArray[np.float32], weights: npt.NDArray[np.float32]) -> None:
        """Add the rows of a step to the losses of their sources, without rows whose loss is not finite."""
        for source, loss, weight in zip(self._row_sources(data_step), losses.tolist(), weights.tolist(), strict=True):
            if math.isfinite(loss):
                before = self._by_source.get(source, (0.0, 0.0))
                self._by_source[source] = before[0] + loss, before[1] + weight

    def _begin_window(self) -> None:
        """Begin to collect the steps of the next line."""
        self._window: list[dict[str, Any]] = []
        self._by_source: dict[str, tuple[float, float]] = {}
        self._seconds = self._waited = 0.0

    def _line(self, step: int, data_step: int) -> dict[str, Any]:
        """Return the line of the steps since the last one, of which `step` is the newest."""
        speed = sum(int(values["tokens"]) for values in self._window) / self._seconds
        line = {"step": step, "data_step": data_step} | _means(self._window)
        line |= {f"loss/{name}": loss / weight for name, (loss, weight) in sorted(self._by_source.items()) if weight}
        line |= {"rejected": step - line.pop("updates"), "rewinds": self._rewinds}
        line |= {f"epochs/{name}": round(times, 4) for name, times in self._epochs(data_step + 1).items()}
        line |= {"tokens": self.tokens, "tokens_per_second": round(speed, 1)}
        line["tokens_per_second_per_device"] = round(speed / jax.device_count(), 1)
        if peak := peak_flops(self._device.device_kind):
            line["mfu"] = round(speed / jax.device_count() * self.flops_per_token / peak, 4)
        line["data_wait_share"] = round(min(self._waited / self._seconds, 1.0), 4)
        if memory := self._device.memory_stats():
            line["device_memory_gib"] = round(memory["peak_bytes_in_use"] / 2**30, 3)
        return line


def _means(window: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the mean of each metric over some steps, without steps in which it is NaN; counts and the learning rate
    are the last step's."""
    last = dict(window[-1])
    if len(window) > 1:
        for name in last.keys() - {"updates", "learning_rate"}:
            values = np.array([values[name] for values in window], np.float64)
            finite = np.isfinite(values)
            counts = np.maximum(finite.sum(0), 1)
            means = np.where(finite.any(0), np.where(finite, values, 0).sum(0) / counts, np.nan)
            last[name] = means.round(4).tolist() if means.ndim else float(means)
    return last
