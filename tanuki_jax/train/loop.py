"""The loop of a run: batches into steps, steps into metrics, held-out losses and checkpoints."""

import concurrent.futures
import dataclasses
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import jax
from jax.sharding import Mesh

from tanuki_jax.checkpoints.folder import State
from tanuki_jax.checkpoints.save import Writer
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.data.batch import Batch
from tanuki_jax.data.loader import HostBatch, Loader, data_step_of
from tanuki_jax.parallel.sharding import local_rows, place_batch
from tanuki_jax.train.held_out import make_held_out
from tanuki_jax.train.interrupts import Interrupts
from tanuki_jax.train.recorder import Recorder
from tanuki_jax.train.run_folder import RunFolder
from tanuki_jax.train.step import Step, TrainState

PROFILE_FROM = 3
"""Step of a process at which a trace begins: compilation and the first transfers are over."""


class Loop:
    """One process's part in a run, from where `state` and `at` are."""

    def __init__(
        self,
        experiment: Experiment,
        mesh: Mesh,
        loader: Loader,
        step: Step,
        run: RunFolder,
        write: Callable[[dict[str, Any]], None],
        state: TrainState,
        at: State,
    ) -> None:
        accumulation, data = experiment.layout.accumulation, experiment.data
        self._shape = (accumulation, data.batch_rows // accumulation, data.sequence_length)
        self._experiment, self._mesh, self._loader, self._run, self._write = experiment, mesh, loader, run, write
        self._rows = local_rows(mesh, self._shape)
        self._step_function = step
        self._held_out = make_held_out(experiment, mesh, loader)
        self._checkpoints = Writer(run.checkpoints, experiment.checkpoints.keep)
        self._recorder = Recorder(experiment, at.tokens, write)
        self._state, self._at = state, at
        self._tracing = False
        run.event("flops", per_token=self._recorder.flops_per_token)

    def go(self, interrupts: Interrupts, profile: int) -> State:
        """Trains to the last step, or until an interrupt; returns where it stopped, which is saved.

        Args:
            interrupts: asked after every step.
            profile: steps to trace into the run folder.
        """
        experiment, at = self._experiment, self._at
        if at.step == 0:
            self._evaluate(0)
        batches = self._placed(self._loader.iterate(data_step_of(at.step, at.skipped), self._rows, at.skipped))
        try:
            for step in range(at.step + 1, experiment.steps + 1):
                self._trace(step - at.step, profile)
                self._step(step, batches)
                last, wanted = step == experiment.steps, interrupts.wanted(step)
                if last or step % experiment.held_out.every_steps == 0:
                    self._evaluate(step)
                if last or wanted or step % experiment.checkpoints.every_steps == 0:
                    self._save(step)
                if wanted:
                    break
        finally:
            batches.close()
            self._trace(profile + PROFILE_FROM, profile)
            self._checkpoints.wait()
        return self._at

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
        self._state, metrics = self._step_function(self._state, batch)
        self._recorder.push(step, data_step, metrics, waited)

    def _evaluate(self, step: int) -> None:
        self._recorder.flush()
        self._write({"step": step} | self._held_out(self._state["parameters"]))
        self._recorder.restart_clock()

    def _save(self, step: int) -> None:
        self._recorder.flush()
        self._run.sync()
        self._at = dataclasses.replace(self._at, step=step, tokens=self._recorder.tokens)
        optimizer = {"moments": self._state["optimizer"], "accepted": self._state["accepted"]}
        self._checkpoints.save(self._state["parameters"], optimizer, self._at)
        self._recorder.restart_clock()

    def _trace(self, index: int, steps: int) -> None:
        if steps and index == PROFILE_FROM:
            jax.profiler.start_trace(str(self._run.path / "profile"))
            self._tracing = True
        elif steps and index == PROFILE_FROM + steps and self._tracing:
            self._recorder.flush()
            jax.profiler.stop_trace()
            self._tracing = False
