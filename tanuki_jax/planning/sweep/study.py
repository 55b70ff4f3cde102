"""Trials of a sweep in Optuna's storage, shared by all commands that run them."""

import dataclasses
import hashlib
import operator
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from tanuki_jax.base.claims import Claim, exclusive
from tanuki_jax.base.errors import InputError
from tanuki_jax.config.serialize import to_json
from tanuki_jax.config.sweep import Choice, Trial, Value
from tanuki_jax.planning.sweep.outcome import Outcome
from tanuki_jax.planning.sweep.sweep_settings import SamplerName, SweepSettings

_STATES = {"done": TrialState.COMPLETE, "does not fit": TrialState.PRUNED, "failed": TrialState.FAIL}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClaimedTrial:
    """A trial that this worker runs until it is finished or released."""

    trial: Trial
    handle: optuna.trial.Trial
    lock: Claim

    @property
    def number(self) -> int:
        """Number of the trial in the study."""
        return self.handle.number

    @property
    def job(self) -> str:
        """Id of the SLURM job that an earlier worker saved; empty if there is none."""
        return str(self.handle.user_attrs.get("job", ""))

    def save_job(self, job: str) -> None:
        """Save the id of the trial's job, for another worker if this one is killed."""
        self.handle.set_user_attr("job", job)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """A trial that was started, and its outcome."""

    number: int
    trial: Trial
    outcome: Outcome | None
    """Outcome of the trial; None while it runs."""


class Study:
    """Trials of a sweep that are run in one way, in a folder that all workers share.

    A worker owns a trial as long as it holds the lock of `locks/NUMBER`. A trial that was started and whose lock is
    free belonged to a worker that was killed, and is claimed again.
    """

    def __init__(self, settings: SweepSettings) -> None:
        """Open the study, or create it.

        Raises:
            InputError: the storage cannot be opened, the sampler does not suit the sweep, or the study was created with
                another executor, target, number of nodes or objective, or with other experiments.
        """
        sweep, sampler, folder = settings.sweep, settings.sampler, settings.folder
        self._sweep, self._folder, self._sampler, self._max_trials = sweep, folder, sampler, settings.max_trials
        self._by_name = {trial.name: trial for trial in sweep.grid()}
        if sampler != "grid" and not sweep.axes:
            raise InputError(
                f"--sampler {sampler} draws from the axes of a sweep, and {sweep.name} has none; use --sampler grid"
            )
        if sampler != "grid" and not settings.max_trials:
            raise InputError(f"--sampler {sampler} needs --trials, the number of trials to draw")
        (folder / "locks").mkdir(parents=True, exist_ok=True)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with self._exclusive():
            storage = _open(settings.storage, folder)
            self._study = optuna.create_study(
                study_name=sweep.name, storage=storage, direction=sweep.direction, load_if_exists=True
            )
            shared = {"executor": settings.executor, "target": settings.target, "objective": sweep.objective}
            if settings.executor == "slurm":
                shared["nodes"] = str(settings.job.nodes)
            self._check_settings(shared)
            self._check_trials()
            self._enqueue()

    def claim(self) -> ClaimedTrial | None:
        """Claim a trial of a killed worker, the next one of the grid, or a new sample. Return None if none is left."""
        with self._exclusive():
            trials = self._trials()
            for running in (trial for trial in trials if trial.state == TrialState.RUNNING):
                if lock := Claim.attempt(self._lock(running.number)):
                    if self._trials()[running.number].state == TrialState.RUNNING:
                        return self._claimed(optuna.trial.Trial(self._study, running._trial_id), lock)
                    lock.release()  # its worker ended it after the trials were read
            waiting = any(trial.state == TrialState.WAITING for trial in trials)
            if not waiting and (self._sampler == "grid" or len(trials) >= self._max_trials):
                return None
            if self._sampler != "grid":
                # Seeded by the number of trials: no two workers draw the same sample, and a resumed sweep draws what an
                # uninterrupted one would have drawn.
                self._study.sampler = _sampler(self._sampler, len(trials))
            new = self._study.ask()
            new_lock = Claim.attempt(self._lock(new.number))
            assert new_lock is not None
            return self._claimed(new, new_lock)

    def finish(self, claimed: ClaimedTrial, outcome: Outcome) -> None:
        """Save the outcome of a trial, and release it."""
        for name, value in dataclasses.asdict(outcome).items():
            claimed.handle.set_user_attr(name, value)
        value = outcome.figures[self._sweep.objective] if outcome.verdict == "done" else None
        self._study.tell(claimed.handle, float(value) if value is not None else None, state=_STATES[outcome.verdict])
        claimed.lock.release()

    def release(self, claimed: ClaimedTrial) -> None:
        """Release a trial that has not ended, so that another worker can claim it."""
        claimed.lock.release()

    @property
    def planned(self) -> int:
        """Number of trials, those that are not started included."""
        return max(len(self._trials()), 0 if self._sampler == "grid" else self._max_trials)

    @property
    def ended(self) -> int:
        """Number of trials that have ended, those of other commands included."""
        return sum(trial.state.is_finished() for trial in self._trials())

    def records(self) -> list[Record]:
        """Return all trials that were started, in order."""
        return [
            Record(number=frozen.number, trial=self._trial(frozen), outcome=_outcome(frozen))
            for frozen in self._trials()
            if frozen.state != TrialState.WAITING
        ]

    def _exclusive(self) -> Any:
        return exclusive(self._folder / "locks" / "study")

    def _lock(self, number: int) -> Path:
        return self._folder / "locks" / f"{number:04d}"

    def _trials(self) -> Sequence[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _claimed(self, handle: optuna.trial.Trial, lock: Claim) -> ClaimedTrial:
        for field, axis in self._sweep.axes.items():
            if isinstance(axis, Choice):
                handle.suggest_categorical(field, axis.values)
            else:
                handle.suggest_float(field, axis.low, axis.high, log=axis.log)
        trial = self._trial(self._trials()[handle.number])
        handle.set_user_attr("digest", _digest(trial))
        return ClaimedTrial(trial=trial, handle=handle, lock=lock)

    def _trial(self, frozen: FrozenTrial) -> Trial:
        name = frozen.user_attrs.get("name")
        return self._by_name[name] if name is not None else self._sweep.at(frozen.params)

    def _check_settings(self, settings: Mapping[str, str]) -> None:
        """Raise InputError if the study has other settings. Those of a new study are saved."""
        for name, value in settings.items():
            saved = self._study.user_attrs.get(name)
            if saved is None:
                self._study.set_user_attr(name, value)
            elif saved != value:
                raise InputError(
                    f"{self._folder} has this sweep with the {name} {saved!r}, not {value!r}; choose another --out"
                )

    def _check_trials(self) -> None:
        """Raise InputError if a saved trial has changed in the sweep."""
        for frozen in self._trials():
            name, digest = frozen.user_attrs.get("name"), frozen.user_attrs.get("digest")
            removed = name is not None and name not in self._by_name
            if removed or (digest is not None and digest != _digest(self._trial(frozen))):
                label = f"number {frozen.number}" if name is None else repr(name)
                raise InputError(
                    f"the sweep has changed: {self._folder} has another trial {label}; choose another --out"
                )

    def _enqueue(self) -> None:
        """Add the trials of the grid that the study does not have."""
        if self._sampler != "grid":
            return
        existing = {frozen.user_attrs.get("name") for frozen in self._trials()}
        for trial in self._sweep.grid()[: self._max_trials or None]:
            if trial.name not in existing:
                self._study.enqueue_trial(self._values(trial), user_attrs={"name": trial.name})

    def _values(self, trial: Trial) -> dict[str, Value]:
        return {field: operator.attrgetter(field)(trial.experiment) for field in self._sweep.axes}


def _sampler(name: SamplerName, seed: int) -> BaseSampler:
    return TPESampler(seed=seed, constant_liar=True) if name == "tpe" else RandomSampler(seed=seed)


def _open(storage: str, folder: Path) -> str | BaseStorage:
    """Open a database by its URL, or a journal file. InputError if the database cannot be opened."""
    if "://" not in storage:
        path = Path(storage) if storage else folder / "trials.journal"
        path.parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(str(path)))
    try:
        return optuna.storages.get_storage(storage)
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"--storage {storage} cannot be opened: {reason}") from None


def _outcome(frozen: FrozenTrial) -> Outcome | None:
    if not frozen.state.is_finished():
        return None
    saved = frozen.user_attrs
    return Outcome(verdict=saved["verdict"], figures=saved["figures"], reason=saved["reason"])


def _digest(trial: Trial) -> str:
    experiment = trial.experiment if isinstance(trial.experiment, str) else to_json(trial.experiment)
    return hashlib.sha256(f"{trial.target}\n{experiment}".encode()).hexdigest()[:16]
