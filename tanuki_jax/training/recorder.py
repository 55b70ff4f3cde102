"""Metrics of steps, from arrays to lines of numbers; read one step late so that the device never waits."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax

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

    MFU = tokens/s/device x `flops_per_token` / `peak_flops` of the device, left out where no file lists the device.
    Padding does not count as tokens.
    """

    def __init__(
        self,
        experiment: Experiment,
        progress: State,
        epochs: Callable[[int], Mapping[str, float]],
        log_metrics: Callable[[dict[str, Any]], None],
        on_step: Callable[[StepMetrics], None],
    ) -> None:
        """Begin after the steps that `progress` counts.

        Args:
            experiment: of the run.
            progress: tokens and spikes so far.
            epochs: data step -> how often each source was read before it.
            log_metrics: called with the lines of the steps that are logged.
            on_step: called with the metrics of every step, before its line is logged.
        """
        self.tokens = progress.tokens
        self._rewinds = len(read_history(progress).spikes)
        self._epochs = epochs
        self._on_step = on_step
        self.flops_per_token = flops_per_token(experiment)
        self._every = experiment.logging.every_steps
        self._log_metrics = log_metrics
        self._device = jax.local_devices()[0]
        self._pending: tuple[int, int, Metrics, float] | None = None
        self._since = time.perf_counter()

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
        values = {
            name: value.item() if value.ndim == 0 else value.astype(float).round(4).tolist()
            for name, value in jax.device_get(arrays).items()
        }
        now = time.perf_counter()
        seconds, self._since = now - self._since, now
        tokens = int(values["tokens"])
        self.tokens += tokens
        self._on_step(StepMetrics(step, data_step, values))
        if step % self._every:
            return
        speed = tokens / seconds
        line = {"step": step, "data_step": data_step} | values
        line |= {"rejected": step - line.pop("updates"), "rewinds": self._rewinds}
        line |= {f"epochs/{name}": round(times, 4) for name, times in self._epochs(data_step + 1).items()}
        line |= {"tokens": self.tokens, "tokens_per_second": round(speed, 1)}
        line["tokens_per_second_per_device"] = round(speed / jax.device_count(), 1)
        if peak := peak_flops(self._device.device_kind):
            line["mfu"] = round(speed / jax.device_count() * self.flops_per_token / peak, 4)
        line["data_wait_share"] = round(min(waited / seconds, 1.0), 4)
        if memory := self._device.memory_stats():
            line["device_memory_gib"] = round(memory["peak_bytes_in_use"] / 2**30, 3)
        self._log_metrics(line)
