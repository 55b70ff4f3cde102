"""The loop of a run: batches into steps, steps into metrics, held-out losses and checkpoints; until the end, a wish or a spike."""

import concurrent.futures
import dataclasses
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
from tanuki_jax.training.integrity import Check
from tanuki_jax.training.interrupts import Interrupts
from tanuki_jax.training.loss_history import Spike, protected_steps, read_history, with_history
from tanuki_jax.training.recorder import Measured, Recorder
from tanuki_jax.training.runs.run_folder import RunFolder
from tanuki_jax.training.setup import TrainState
from tanuki_jax.training.start import items
from tanuki_jax.training.step import Step
from tanuki_jax.training.watchdog import Watchdog

BEST_METRIC = "held_out/all"
"""Held-out metric that is lowest in a run's best checkpoint."""
PROFILE_FROM = 3
"""Step of a process at which a trace begins: compilation and the first transfers are over."""


class Program(NamedTuple):
    """What a run computes: compiled once, however often the run goes back."""

    step: Step
    held_out: Callable[[TrainState], dict[str, float]]
    check: Check


class Ended(NamedTuple):
    """How a loop ended."""

    at: State
    """Where it stopped, which is saved; after a spike, where it last saved."""
    spike: Spike | None
    """Its `checkpoint` is yet to be found."""
    leave: bool
    """Whether the process was asked to leave."""


class Loop:
    """One process's part in a run, from where `state` and `at` are."""

    def __init__(
        self,
        experiment: Experiment,
        mesh: Mesh,
        loader: Loader,
        program: Program,
        run: RunFolder,
        write: Callable[[dict[str, Any]], None],
        watchdog: Watchdog,
        state: TrainState,
        at: State,
    ) -> None:
        accumulation, data = experiment.layout.accumulation, experiment.data
        self._shape = (accumulation, data.batch_rows // accumulation, data.sequence_length)
        self._experiment, self._mesh, self._loader, self._program = experiment, mesh, loader, program
        self._run, self._write, self._watchdog = run, write, watchdog
        self._rows = local_rows(mesh, self._shape)
        self._checkpoints = Writer(
            run.checkpoints,
            experiment.checkpoints,
            run.event,
            tokenizer=Path(experiment.data.tokenizer.path),
            best_metric=BEST_METRIC,
            protect=protected_steps,
        )
        self._recorder = Recorder(experiment, at, loader.epochs, write, self._observe)
        self._state, self._at, self._history = state, at, read_history(at)
        self._losses = self._history.loss_history
        self._stage = self._observed_stage = loader.stage(data_step_of(max(at.step - 1, 0), at.skipped))
        self._held_out: tuple[int, dict[str, float]] = (-1, {})
        self._spike: Spike | None = None
        self._tracing = False
        run.event("flops", per_token=self._recorder.flops_per_token)

    def go(self, interrupts: Interrupts, profile: int) -> Ended:
        """Trains to the last step, until an interrupt or a spike.

        Args:
            interrupts: asked after every step.
            profile: steps to trace into the run folder.
        """
        experiment, at, wish = self._experiment, self._at, ""
        if at.step == 0:
            self._evaluate(0)
        batches = self._placed(self._loader.iterate(data_step_of(at.step, at.skipped), self._rows, at.skipped))
        try:
            for step in range(at.step + 1, experiment.steps + 1):
                self._trace(step - at.step, profile)
                with self._watchdog.during("step"):
                    self._step(step, batches)
                last, wish = step == experiment.steps, interrupts.wanted()
                evaluate = last or step % experiment.held_out.every_steps == 0
                save = last or wish or step % experiment.checkpoints.every_steps == 0
                if evaluate or save:
                    self._recorder.flush()
                if self._spike:
                    break
                if evaluate:
                    self._evaluate(step)
                if save:
                    self._save(step, last=last or wish == "leave")
                if wish == "leave":
                    break
        finally:
            batches.close()
            self._trace(profile + PROFILE_FROM, profile)
            with self._watchdog.during("save"):
                self._checkpoints.wait()
        return Ended(self._at, self._spike, wish == "leave")

    def _placed(self, batches: Iterator[tuple[int, HostBatch]]) -> Generator[tuple[int, Batch[jax.Array]]]:
        """Batches on the devices, each placed by a thread while the step before it is dispatched."""

        def place() -> tuple[int, Batch[jax.Array]]:
            data_step, batch = next(batches)
            return data_step, place_batch(self._mesh, batch, self._rows, self._shape)

        with concurrent.futures.ThreadPoolExecutor(1, "place") as thread:
            ahead = thread.submit(place)
            while True:
                ready = ahead.result()
                ahead = thread.submit(place)
                yield ready

    def _step(self, step: int, batches: Iterator[tuple[int, Batch[jax.Array]]]) -> None:
        asked = time.perf_counter()
        data_step, batch = next(batches)
        waited = time.perf_counter() - asked
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

    def _observe(self, measured: Measured) -> None:
        """Follows the course of the loss, step after step, and notes a spike."""
        step, values, at, rewind = measured.step, measured.values, self._at, self._experiment.rewind
        stage = self._loader.stage(measured.data_step)
        if step <= self._experiment.schedule.warmup_steps or stage != self._observed_stage:
            self._losses, self._observed_stage = spikes.reset(self._losses), stage
        self._losses = spikes.follow(self._losses, rewind, step, values["loss"], accepted=values["accepted"])
        if not values["accepted"]:
            told = {name: values[name] for name in ("loss", "gradient_norm", "deviations")}
            self._run.event("rejected", step=step, data_step=measured.data_step, **told)
        if self._spike is None and (found := spikes.find_spike(self._losses, rewind, step)):
            first, reason = found
            data_steps = tuple(data_step_of(each - 1, at.skipped) for each in range(first, step + 1))
            self._spike = Spike(first=first, last=step, data_steps=data_steps, checkpoint=0, reason=reason)

    def _evaluate(self, step: int) -> None:
        with self._watchdog.during("evaluation"):
            losses = self._program.held_out(self._state)
        self._held_out = step, losses
        if losses:
            self._write({"step": step} | losses)
        self._recorder.restart_clock()

    def _save(self, step: int, *, last: bool) -> None:
        """After the metrics of the step; `last` has it waited for."""
        with self._watchdog.during("save"):
            self._run.sync()
            losses, norms = guard.remembered(jax.device_get(self._state["guard"]))
            self._losses = dataclasses.replace(self._losses, losses=losses, gradient_norms=norms)
            saved = dataclasses.replace(
                self._at,
                step=step,
                tokens=self._recorder.tokens,
                held_out=self._held_out[1] if self._held_out[0] == step else {},
            )
            self._at = with_history(saved, dataclasses.replace(self._history, loss_history=self._losses))
            self._checkpoints.save(items(self._experiment, self._state), self._at, wait=last)
        self._recorder.restart_clock()

    def _trace(self, index: int, steps: int) -> None:
        if steps and index == PROFILE_FROM:
            jax.profiler.start_trace(str(self._run.path / "profile"))
            self._tracing = True
        elif steps and index == PROFILE_FROM + steps and self._tracing:
            self._recorder.flush()
            jax.profiler.stop_trace()
            self._tracing = False
