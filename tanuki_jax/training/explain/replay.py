"""Replay of the steps before and in a spike, from the checkpoint to which the run went back, with measurements."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from tanuki_jax.base.progress import Advance, progress
from tanuki_jax.data.batch import Batch
from tanuki_jax.data.loader import HostBatch, Loader, data_step_of
from tanuki_jax.lm.optimizers.schedules import learning_rate
from tanuki_jax.lm.parallel.sharding import place_batch, replicate
from tanuki_jax.training import guard
from tanuki_jax.training.explain import suspects as documents
from tanuki_jax.training.explain.probe import Floats, Probe
from tanuki_jax.training.explain.spike_record import SpikeRecord
from tanuki_jax.training.explain.suspects import Document
from tanuki_jax.training.setup import TrainSetup, TrainState
from tanuki_jax.training.start import resumed
from tanuki_jax.training.step import make_step

OBSERVED = 12
"""Number of steps before the spike whose layers are measured, to know usual values."""
COMPARED = 2
"""Number of steps before the spike whose documents are compared with those of the spike."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """Steps of a replay, and what is done with them."""

    first: int
    """First step of the spike."""
    last: int
    """Last step of the replay, in the spike."""
    begin: int
    """First step of the replay."""
    observed_from: int
    """First step whose layers are measured."""
    compared_from: int
    """First step whose documents are compared."""
    trained_from: int | None
    """First step that is trained; those before it are measured on the checkpoint's weights. None: all of them are."""


class Observation(NamedTuple):
    """Measurements of a step on the weights before it."""

    step: int
    loss: float
    """Nats a token."""
    accepted: bool | None
    """Whether the guard accepted the step; None if it was not trained."""
    activations_l: Floats
    """Root mean square of the output of each layer."""
    gradients_g: Floats
    """Norms of the gradient of the mean loss, by group of parameters."""
    load_le: Floats | None
    """Share of the choices that went to each expert of each layer."""


class Replayed(NamedTuple):
    """Results of a replay."""

    plan: Plan
    groups: Sequence[str]
    """Names of the groups of parameters."""
    observations: Sequence[Observation]
    documents: Sequence[Document]
    """Documents of all compared steps, the most suspicious first."""


def make_plan(record: SpikeRecord, most: int, since: int = 1) -> Plan:
    """Return a plan with at most `most` trained steps before the spike, and as many of its own; no step before `since`.

    If the checkpoint lies further back nothing is trained, and every step is measured on its weights.
    """
    first, checkpoint = record.spike.first, record.spike.checkpoint
    observed, compared = max(since, first - OBSERVED), max(since, first - COMPARED)
    near = first - 1 - checkpoint <= most
    return Plan(
        first=first,
        last=min(record.spike.last, first + most - 1),
        begin=min(observed, checkpoint + 1) if near else observed,
        observed_from=observed,
        compared_from=compared,
        trained_from=checkpoint + 1 if near else None,
    )


def replay(setup: TrainSetup, loader: Loader, record: SpikeRecord, plan: Plan) -> Replayed:
    """Replay the steps of a plan. `setup` comes from `run_setup`."""
    with jax.set_mesh(setup.mesh), progress("replaying", plan.last - plan.begin + 1, "step") as advance:
        return _Replay(setup, loader, record, plan).run(advance)


class _Replay:
    def __init__(self, setup: TrainSetup, loader: Loader, record: SpikeRecord, plan: Plan) -> None:
        self._setup, self._experiment, self._mesh = setup, setup.experiment, setup.mesh
        self._loader, self._record, self._plan = loader, record, plan
        self._lines = {line["step"]: line for line in record.lines}
        self._rows = self._experiment.data.batch_rows // self._experiment.layout.accumulation
        self._probe = Probe(setup)
        self._step = make_step(setup)
        self._documents: dict[int, list[Document]] = {}
        self._alone: set[Document] = set()

    def run(self, advance: Advance) -> Replayed:
        plan = self._plan
        state = resumed(self._setup, self._record.checkpoint, self._record.state)
        stage = self._loader.stage(self._data_step(max(self._record.state.step, 1)))
        observations = []
        for step in range(plan.begin, plan.last + 1):
            host = self._loader.batch(self._data_step(step), slice(None))
            batch = self._placed(host)
            if step == plan.compared_from:
                self._compare(state)
            observation = self._observe(state, step, host, batch) if step >= plan.observed_from else None
            accepted = None
            if plan.trained_from is not None and step >= plan.trained_from:
                if (now := self._loader.stage(self._data_step(step))) != stage:
                    stage, state["guard"] = now, replicate(self._mesh, guard.window(self._experiment.guard.window))
                self._set_rate(state, step)
                state, metrics = self._step(state, batch)
                accepted = bool(metrics["accepted"])
            if observation:
                observations.append(observation._replace(accepted=accepted))
            advance()
        compared = [document for step in sorted(self._documents) for document in self._documents[step]]
        return Replayed(plan, self._probe.groups, observations, documents.ordered(compared))

    def _data_step(self, step: int) -> int:
        """Return the data step that a step, from 1, read in the run."""
        data_step: int = self._lines.get(step, {}).get("data_step", data_step_of(step - 1, self._record.skipped))
        return data_step

    def _placed(self, host: HostBatch) -> Batch[jax.Array]:
        rows, time = host.tokens.shape
        placed: Batch[jax.Array] = place_batch(self._mesh, host, range(rows), (rows // self._rows, self._rows, time))
        return placed

    def _compare(self, state: TrainState) -> None:
        """Judge all compared documents on the same weights, and choose those whose gradients are computed."""
        measured: list[Document] = []
        for step in range(self._plan.compared_from, self._plan.last + 1):
            host = self._loader.batch(self._data_step(step), slice(None))
            losses_nt = self._probe.forward(state, self._placed(host)).losses_nt
            measured += documents.measure(step, self._loader.trace(self._data_step(step)), host, losses_nt)
        judged = documents.judge(measured, self._plan.first)
        self._alone = set(documents.most_suspicious(judged, self._plan.first))
        for document in judged:
            self._documents.setdefault(document.step, []).append(document)

    def _observe(self, state: TrainState, step: int, host: HostBatch, batch: Batch[jax.Array]) -> Observation:
        measured = self._probe.forward(state, batch)
        norms_g, tokens = self._probe.gradient_norms(state, batch), float(host.loss_weights.sum())
        batch_norm = float(np.linalg.norm(norms_g))
        for number, document in enumerate(self._documents.get(step, ())):
            at_step = documents.losses_of(document.positions(), document.row, host, measured.losses_nt)
            share = self._share(state, host, document, batch_norm) if document in self._alone else None
            self._documents[step][number] = dataclasses.replace(document, at_step=at_step, share=share)
        loss = float((measured.losses_nt * host.loss_weights).sum(dtype=np.float64) / tokens)
        return Observation(step, loss, None, measured.activations_l, norms_g / tokens, measured.load_le)

    def _share(self, state: TrainState, host: HostBatch, document: Document, batch_norm: float) -> float:
        """Return the norm of the gradient of one document's summed loss over that of its batch."""
        begin = document.row // self._rows * self._rows
        micro: HostBatch = jax.tree.map(lambda array: array[begin : begin + self._rows], host)
        weights = np.zeros_like(micro.loss_weights)
        weights[document.row - begin, document.positions()] = host.loss_weights[document.row, document.positions()]
        norm = self._probe.gradient_norm_alone(state, self._placed(micro._replace(loss_weights=weights)))
        if not np.isfinite(norm):
            return np.inf
        return norm / batch_norm if np.isfinite(batch_norm) and batch_norm else 0.0

    def _set_rate(self, state: TrainState, step: int) -> None:
        """Give the step the learning rate that it had in the run, whatever config and earlier spikes say now."""
        rate = self._lines.get(step, {}).get("learning_rate")
        usual = float(learning_rate(self._experiment.schedule, self._experiment.steps, state["accepted"]))
        if rate is not None and usual:
            state["rate_factor"] = replicate(self._mesh, np.float32(round(rate / usual, 6)))
