"""Training loop: batches, steps, metrics, held-out losses and checkpoints, until the end, an interrupt or a spike."""

import concurrent.futures
import dataclasses
import json
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from tanuki_jax.checkpoints.format import State
from tanuki_jax.checkpoints.save import Writer
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.data.batch import Batch
from tanuki_jax.data.loader import HostBatch, Loader, data_step_of
from tanuki_jax.lm.parallel.sharding import local_rows, place_batch, replicate
from tanuki_jax.training import guard, spikes
from tanuki_jax.training.distributed import agree
from tanuki_jax.training.integrity import Check
from tanuki_jax.training.interrupts import Interrupts
from tanuki_jax.training.loss_history import Spike, protected_steps, read_history, with_history
from tanuki_jax.training.recorder import Recorder, StepMetrics
from tanuki_jax.training.runs.early_stop import Evaluation, evaluations_of, stop_reason
from tanuki_jax.training.runs.run_folder import BEST_METRIC, RunFolder
from tanuki_jax.training.setup import TrainState
from tanuki_jax.training.start import items
from tanuki_jax.training.step import Step
from tanuki_jax.training.watchdog import Watchdog

PROFILE_FROM = 3
"""Step of a process at which a trace begins: compilation and the first transfers are over."""


class Program(NamedTuple):
    """Compiled functions of a run, kept however often the run goes back."""

    step: Step
    held_out: Callable[[TrainState], dict[str, float]]
    check: Check


class LoopResult(NamedTuple):
    """Outcome of a loop."""

    progress: State
    """State of the last checkpoint: where the loop stopped, or, after a spike, where it last saved."""
    spike: Spike | None
    """Spike that ended the loop; its `checkpoint` is not yet known."""
    leave: bool
    """Whether an interrupt asks the process to leave."""


class Loop:
    """One process's part in a run, from the train state `state` and the progress behind it."""

    def __init__(
        self,
        experiment: Experiment,
        mesh: Mesh,
        loader: Loader,
        program: Program,
        run: RunFolder,
        log_metrics: Callable[[dict[str, Any]], None],
        watchdog: Watchdog,
        state: TrainState,
        progress: State,
    ) -> None:
        accumulation, data = experiment.layout.accumulation, experiment.data
        self._shape = (accumulation, data.batch_rows // accumulation, data.sequence_length)
        self._experiment, self._mesh, self._loader, self._program = experiment, mesh, loader, program
        self._run, self._log_metrics, self._watchdog = run, log_metrics, watchdog
        self._rows = local_rows(mesh, self._shape)
        self._checkpoints = Writer(
            run.checkpoints,
            experiment.checkpoints,
            run.log_event,
            tokenizer=Path(experiment.data.tokenizer.path),
            best_metric=BEST_METRIC,
            protect=protected_steps,
        )
        self._recorder = Recorder(
            experiment, progress, loader.epochs, loader.row_sources, log_metrics, self._follow_losses
        )
        self._state, self._progress, self._history = state, progress, read_history(progress)
        self._losses = self._history.loss_history
        self._stage = self._followed_stage = loader.stage(data_step_of(max(progress.step - 1, 0), progress.skipped))
        evaluations = json.loads(agree(lambda: json.dumps(evaluations_of(experiment.early_stop, run.path))))
        self._evaluations: list[Evaluation] = [(step, loss) for step, loss in evaluations]
        self._held_out: tuple[int, dict[str, float]] = (-1, {})
        self._spike: Spike | None = None
        self._tracing = False
        run.log_event("flops", per_token=self._recorder.flops_per_token)

    def run(self, interrupts: Interrupts, profile: int) -> LoopResult:
        """Train to the last step, or until an interrupt, a spike or an early stop.

        Args:
            interrupts: polled after every step.
            profile: steps to trace into the run folder.
        """
        experiment, progress, interrupt = self._experiment, self._progress, ""
        if stop_reason(experiment.early_stop, self._evaluations):  # it stopped early before, and is started again
            return LoopResult(progress, None, leave=False)
        if progress.step == 0:
            self._evaluate(0)
        first_data_step = data_step_of(progress.step, progress.skipped)
        batches = self._prefetched(self._loader.iterate(first_data_step, self._rows, progress.skipped))
        try:
            for step in range(progress.step + 1, experiment.steps + 1):
                self._trace(step - progress.step, profile)
                with self._watchdog.during("step"):
                    self._step(step, batches)
                last, interrupt = step == experiment.steps, interrupts.poll()
                evaluate = last or step % experiment.held_out.every_steps == 0
                save = last or interrupt or step % experiment.checkpoints.every_steps == 0
                if evaluate or save:
                    self._recorder.flush()  # metrics come one step late, and a step is judged before it is saved
                if self._spike:
                    break
                if evaluate:
                    self._evaluate(step)
                ends = last or (evaluate and self._stops_early(step)) or interrupt == "leave"
                if save or ends:
                    self._save(step, last=ends)
                if ends:
                    break
        finally:
            batches.close()
            self._trace(profile + PROFILE_FROM, profile)
            with self._watchdog.during("save"):
                self._checkpoints.wait()
        return LoopResult(self._progress, self._spike, interrupt == "leave")

    def _prefetched(self, batches: Iterator[tuple[int, HostBatch]]) -> Generator[tuple[int, Batch[jax.Array]]]:
        """Yield batches on the devices; a thread transfers each while the step before it is dispatched."""

        def transfer() -> tuple[int, Batch[jax.Array]]:
            data_step, batch = next(batches)
            return data_step, place_batch(self._mesh, batch, self._rows, self._shape)

        with concurrent.futures.ThreadPoolExecutor(1, "transfer") as thread:
            ahead = thread.submit(transfer)
            while True:
                ready = ahead.result()
                ahead = thread.submit(transfer)
                yield ready

    def _step(self, step: int, batches: Iterator[tuple[int, Batch[jax.Array]]]) -> None:
        requested_at = time.perf_counter()
        data_step, batch = next(batches)
        waited = time.perf_counter() - requested_at
        if (stage := self._loader.stage(data_step)) != self._stage:
            self._stage = stage
            self._state["guard"] = replicate(self._mesh, guard.window(self._experiment.guard.window))
        if step == self._history.slow_until + 1:
            self._state["rate_factor"] = replicate(self._mesh, np.float32(1))
        every = self._experiment.integrity.every_steps
        if every and step % every == 0:
            self._program.check(self._state, batch)
        self._state, metrics = self._program.step(self._state, batch)
        self._recorder.push(step, data_step, metrics, waited)

    def _follow_losses(self, metrics: StepMetrics) -> None:
        """Update the loss history with a step, and note a spike."""
        step, values, progress, rewind = metrics.step, metrics.values, self._progress, self._experiment.rewind
        stage = self._loader.stage(metrics.data_step)
        if values["updates"] <= self._experiment.schedule.warmup_steps or stage != self._followed_stage:
            self._losses, self._followed_stage = spikes.reset(self._losses), stage
        self._losses = spikes.follow(self._losses, rewind, step, values["loss"], accepted=values["accepted"])
        if not values["accepted"]:
            details = {name: values[name] for name in ("loss", "gradient_norm", "deviations")}
            self._run.log_event("rejected", step=step, data_step=metrics.data_step, **details)
        if self._spike is None and (found := spikes.find_spike(self._losses, rewind, step)):
            first, reason = found
            data_steps = tuple(data_step_of(each - 1, progress.skipped) for each in range(first, step + 1))
            self._spike = Spike(first=first, last=step, data_steps=data_steps, checkpoint=0, reason=reason)

    def _evaluate(self, step: int) -> None:
        with self._watchdog.during("evaluation"):
            losses = self._program.held_out(self._state)
        self._held_out = step, losses
        if (metric := self._experiment.early_stop.metric) in losses:
            self._evaluations.append((step, losses[metric]))
        if losses:
            self._log_metrics({"step": step} | losses)
        self._recorder.restart_clock()

    def _stops_early(self, step: int) -> bool:
        """Whether the run ends after the step's evaluation; an event says why."""
        if reason := stop_reason(self._experiment.early_stop, self._evaluations):
            self._run.log_event("stopped_early", step=step, reason=reason)
        return bool(reason)

    def _save(self, step: int, *, last: bool) -> None:
        """Save after the step's metrics are written. `last`: block until committed."""
        with self._watchdog.during("save"):
            self._run.sync()
            losses, norms = guard.remembered(jax.device_get(self._state["guard"]))
            self._losses = dataclasses.replace(self._losses, losses=losses, gradient_norms=norms)
            data_step = data_step_of(step, self._progress.skipped)
            progress = dataclasses.replace(
                self._progress,
                step=step,
                tokens=self._recorder.tokens,
                data=self._loader.fingerprint_before(data_step),
                reading=self._loader.reading(data_step, self._progress.skipped),
                held_out=self._held_out[1] if self._held_out[0] == step else {},
            )
            self._progress = with_history(progress, dataclasses.replace(self._history, loss_history=self._losses))
            self._checkpoints.save(items(self._experiment, self._state), self._progress, wait=last)
        self._recorder.restart_clock()

    def _trace(self, index: int, steps: int) -> None:
        """Begin the trace before step PROFILE_FROM of this process, and end it `steps` steps later."""
        if steps and index == PROFILE_FROM:
            jax.profiler.start_trace(str(self._run.path / "profile"))
            self._tracing = True
        elif steps and index == PROFILE_FROM + steps and self._tracing:
            self._recorder.flush()
            jax.profiler.stop_trace()
            self._tracing = False
