"""The trials of a sweep in Optuna's storage, shared by all who work on it."""

import dataclasses
import hashlib
import operator
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.serialize import to_json
from tanuki_jax.config.sweep import Choice, Sweep, Trial, Value
from tanuki_jax.planning.sweep.claims import Claim, alone
from tanuki_jax.planning.sweep.outcome import Outcome

type SamplerName = Literal["grid", "random", "tpe"]

_STATES = {"done": TrialState.COMPLETE, "does not fit": TrialState.PRUNED, "failed": TrialState.FAIL}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Claimed:
    """A trial that is this worker's to run, until it is finished or left."""

    trial: Trial
    handle: optuna.trial.Trial
    lock: Claim

    @property
    def number(self) -> int:
        """In the study."""
        return self.handle.number

    @property
    def job(self) -> str:
        """What a worker that is gone remembered of it."""
        return str(self.handle.user_attrs.get("job", ""))

    def remember(self, job: str) -> None:
        """Keeps a word for the worker that takes this trial up, should this one be killed."""
        self.handle.set_user_attr("job", job)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """A trial that was begun, and how it ended."""

    number: int
    trial: Trial
    outcome: Outcome | None
    """None while it runs."""


class Study:
    """The trials of one sweep and one way to run them, in a folder that all workers see.

    A trial is its worker's while that holds the lock of `locks/NUMBER`: who finds one that was begun and whose lock is free takes it up.
    """

    def __init__(
        self, sweep: Sweep, folder: Path, storage: str, sampler: SamplerName, most: int, terms: Mapping[str, str]
    ) -> None:
        """Opens or begins the study.

        Args:
            sweep: what is tried.
            folder: of the locks, and of the journal if `storage` is empty.
            storage: an URL as Optuna takes them, or the path of a journal; empty: trials.journal in `folder`.
            sampler: where trials come from.
            most: trials in all; 0: the whole grid.
            terms: what must be the same for all who share the study, by name.

        Raises:
            InputError: the storage cannot be opened, the sweep cannot be sampled so, or the study was begun on other terms or with other
                experiments.
        """
        self._sweep, self._folder, self._sampler, self._most = sweep, folder, sampler, most
        self._named = {trial.name: trial for trial in sweep.grid()}
        if sampler != "grid" and not sweep.axes:
            raise InputError(
                f"--sampler {sampler} draws from the axes of a sweep, and {sweep.name} has none; its trials are a grid"
            )
        if sampler != "grid" and not most:
            raise InputError(f"--sampler {sampler} needs --trials, the number of trials to draw")
        (folder / "locks").mkdir(parents=True, exist_ok=True)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with self._alone():
            self._study = optuna.create_study(
                study_name=sweep.name, storage=_open(storage, folder), direction=sweep.direction, load_if_exists=True
            )
            self._agree(terms)
            self._enqueue()

    def claim(self) -> Claimed | None:
        """A trial to run: one that a killed worker left, the next of the grid, or a new sample; None if there is none left to begin."""
        with self._alone():
            frozen = self._all()
            for left in (trial for trial in frozen if trial.state == TrialState.RUNNING):
                if lock := Claim.attempt(self._lock(left.number)):
                    return self._claimed(optuna.trial.Trial(self._study, left._trial_id), lock)
            waiting = any(trial.state == TrialState.WAITING for trial in frozen)
            if not waiting and (self._sampler == "grid" or len(frozen) >= self._most):
                return None
            if self._sampler != "grid":
                # Drawn by how many trials there are: no two workers draw alike, and one that goes on draws what it would have drawn.
                self._study.sampler = _sampler(self._sampler, len(frozen))
            asked = self._study.ask()
            claim = Claim.attempt(self._lock(asked.number))
            assert claim is not None
            return self._claimed(asked, claim)

    def finish(self, claimed: Claimed, outcome: Outcome) -> None:
        """Keeps how a trial ended, and gives it up."""
        for name, value in dataclasses.asdict(outcome).items():
            claimed.handle.set_user_attr(name, value)
        value = outcome.figures[self._sweep.objective] if outcome.verdict == "done" else None
        self._study.tell(claimed.handle, float(value) if value is not None else None, state=_STATES[outcome.verdict])
        claimed.lock.release()

    def leave(self, claimed: Claimed) -> None:
        """Gives a trial up as it is: who asks next takes it up."""
        claimed.lock.release()

    @property
    def planned(self) -> int:
        """Trials that there will be in all."""
        return max(len(self._all()), 0 if self._sampler == "grid" else self._most)

    @property
    def ended(self) -> int:
        """Trials that have ended, whoever ran them."""
        return sum(trial.state.is_finished() for trial in self._all())

    def records(self) -> list[Record]:
        """What was begun, in its order."""
        return [
            Record(number=frozen.number, trial=self._trial(frozen), outcome=_outcome(frozen))
            for frozen in self._all()
            if frozen.state != TrialState.WAITING
        ]

    def _alone(self) -> Any:
        return alone(self._folder / "locks" / "study")

    def _lock(self, number: int) -> Path:
        return self._folder / "locks" / f"{number:04d}"

    def _all(self) -> Sequence[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _claimed(self, asked: optuna.trial.Trial, lock: Claim) -> Claimed:
        for field, axis in self._sweep.axes.items():
            if isinstance(axis, Choice):
                asked.suggest_categorical(field, axis.values)
            else:
                asked.suggest_float(field, axis.low, axis.high, log=axis.log)
        trial = self._trial(self._all()[asked.number])
        asked.set_user_attr("digest", _digest(trial))
        return Claimed(trial=trial, handle=asked, lock=lock)

    def _trial(self, frozen: FrozenTrial) -> Trial:
        name = frozen.user_attrs.get("name")
        return self._named[name] if name is not None else self._sweep.at(frozen.params)

    def _agree(self, terms: Mapping[str, str]) -> None:
        """InputError if the study was begun on other terms, or if the sweep has changed since."""
        for name, value in terms.items():
            before = self._study.user_attrs.get(name)
            if before is None:
                self._study.set_user_attr(name, value)
            elif before != value:
                raise InputError(
                    f"{self._folder} holds this sweep with {name} {before}, not {value}; give another --out for that"
                )
        for frozen in self._all():
            known, digest = frozen.user_attrs.get("name"), frozen.user_attrs.get("digest")
            gone = known is not None and known not in self._named
            if gone or (digest is not None and digest != _digest(self._trial(frozen))):
                which = f"number {frozen.number}" if known is None else repr(known)
                raise InputError(
                    f"{self._folder} holds a trial {which} that is another in the sweep now; give another --out for that"
                )

    def _enqueue(self) -> None:
        """Adds the part of the grid that is not in the study yet."""
        if self._sampler != "grid":
            return
        begun = {frozen.user_attrs.get("name") for frozen in self._all()}
        for trial in self._sweep.grid()[: self._most or None]:
            if trial.name not in begun:
                self._study.enqueue_trial(self._values(trial), user_attrs={"name": trial.name})

    def _values(self, trial: Trial) -> dict[str, Value]:
        return {field: operator.attrgetter(field)(trial.experiment) for field in self._sweep.axes}


def _sampler(name: SamplerName, seed: int) -> BaseSampler:
    return TPESampler(seed=seed, constant_liar=True) if name == "tpe" else RandomSampler(seed=seed)


def _open(storage: str, folder: Path) -> str | BaseStorage:
    """InputError if an URL is of no database."""
    if "://" not in storage:
        path = Path(storage) if storage else folder / "trials.journal"
        path.parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(str(path)))
    try:
        return optuna.storages.get_storage(storage)
    except Exception as error:
        raise InputError(
            f"--storage {storage} cannot be opened: {next(iter(str(error).splitlines()), type(error).__name__)}"
        ) from None


def _outcome(frozen: FrozenTrial) -> Outcome | None:
    if not frozen.state.is_finished():
        return None
    kept = frozen.user_attrs
    return Outcome(verdict=kept["verdict"], figures=kept["figures"], reason=kept["reason"])


def _digest(trial: Trial) -> str:
    what = trial.experiment if isinstance(trial.experiment, str) else to_json(trial.experiment)
    return hashlib.sha256(f"{trial.target}\n{what}".encode()).hexdigest()[:16]
