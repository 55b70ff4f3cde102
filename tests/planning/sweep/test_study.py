"""A study that several workers share: each trial is run once, and those of a killed worker are claimed again."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.registry import experiment
from tanuki_jax.config.sweep import Choice, Range, Sweep, Trial
from tanuki_jax.planning.sweep.outcome import Outcome, failed
from tanuki_jax.planning.sweep.study import ClaimedTrial, Study
from tanuki_jax.planning.sweep.sweep_settings import SamplerName, SweepSettings

TINY = experiment.find("tiny")
SEEDS = Sweep(name="seeds", objective="loss", direction="minimize", base=TINY, axes={"seed": Choice(values=(1, 2, 3))})
NAMED = Sweep(
    name="named",
    objective="loss",
    direction="maximize",
    trials=(Trial(name="a", experiment=TINY, reference={"loss": 3.0}), Trial(name="b", experiment="b cannot be")),
)
RATES = Sweep(
    name="rates",
    objective="loss",
    direction="minimize",
    base=TINY,
    axes={"schedule.peak": Range(low=1e-4, high=1e-2, log=True)},
)
GOOD = Outcome(verdict="done", figures={"loss": 2.5, "bound": "attention"})


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Study]:
    """Return a function that opens the study of this test's folder, as another process would."""

    def open_study(sweep: Sweep = SEEDS, sampler: SamplerName = "grid", **settings: Any) -> Study:
        return Study(SweepSettings(sweep=sweep, folder=tmp_path / "out", executor="local", sampler=sampler, **settings))

    return open_study


def name(claimed: ClaimedTrial | None) -> str | None:
    return claimed.trial.name if claimed else None


def test_each_trial_is_claimed_by_one_worker(opened: Callable[..., Study]) -> None:
    first, second = opened(), opened()
    claims = [first.claim(), second.claim(), first.claim()]
    assert [name(claimed) for claimed in claims] == ["seed 1", "seed 2", "seed 3"]
    assert first.claim() is None
    assert second.claim() is None
    assert (first.planned, first.ended) == (3, 0)


def test_a_released_trial_is_claimed_again_with_its_job(opened: Callable[..., Study]) -> None:
    first, second = opened(), opened()
    claimed = first.claim()
    assert claimed is not None
    claimed.save_job("job 17")
    first.release(claimed)
    again = second.claim()
    assert again is not None
    assert (again.number, again.trial, again.job) == (claimed.number, claimed.trial, "job 17")
    assert name(second.claim()) == "seed 2"


def test_a_trial_that_has_ended_is_not_run_again(opened: Callable[..., Study]) -> None:
    study = opened()
    ends = [
        GOOD,
        Outcome(verdict="does not fit", figures={"loss": 1.0}, reason="3 GiB too large"),
        failed("an error"),
    ]
    for outcome in ends:
        claimed = study.claim()
        assert claimed is not None
        study.finish(claimed, outcome)
    later = opened()
    assert later.claim() is None
    assert [record.outcome for record in later.records()] == ends
    assert (later.planned, later.ended) == (3, 3)


def test_a_trial_that_ends_during_a_claim_is_not_run_again(
    opened: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = opened(), opened()
    claimed, read, ended = first.claim(), second._trials, list[str]()
    assert claimed is not None

    def read_then_end() -> Any:
        trials = copy.deepcopy(list(read()))
        if not ended:
            first.finish(claimed, GOOD)
            ended.append(claimed.trial.name)
        return trials

    monkeypatch.setattr(second, "_trials", read_then_end)
    assert name(second.claim()) == "seed 2"
    assert ended == ["seed 1"]


def test_named_trials_keep_their_reference_and_their_error(opened: Callable[..., Study]) -> None:
    study = opened(NAMED)
    first, second = study.claim(), study.claim()
    assert first is not None and second is not None
    assert first.trial == NAMED.trials[0]
    assert second.trial.experiment == "b cannot be"


def test_a_part_of_the_grid_can_be_run_first(opened: Callable[..., Study]) -> None:
    some = opened(max_trials=2)
    assert [name(some.claim()), name(some.claim()), some.claim()] == ["seed 1", "seed 2", None]
    assert name(opened().claim()) == "seed 3"


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_samplers_draw_the_requested_number_from_the_axes(opened: Callable[..., Study], sampler: SamplerName) -> None:
    first, second = (opened(RATES, sampler, max_trials=4) for _ in range(2))
    rates = []
    for study in (first, second, first, second):
        claimed = study.claim()
        assert claimed is not None
        assert not isinstance(claimed.trial.experiment, str)
        rates.append(claimed.trial.experiment.schedule.peak)
        study.finish(claimed, replace(GOOD, figures={"loss": rates[-1]}))
    assert first.claim() is None
    assert len(set(rates)) == 4
    assert all(1e-4 <= rate <= 1e-2 for rate in rates)
    saved = [record.trial.experiment for record in second.records()]
    assert [one.schedule.peak for one in saved if not isinstance(one, str)] == rates


@pytest.mark.long
def test_a_database_keeps_the_trials_too(opened: Callable[..., Study], tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path}/trials.db"
    claimed = opened(storage=storage).claim()
    assert claimed is not None
    assert name(opened(storage=storage).claim()) == "seed 2"


@pytest.mark.parametrize(
    ("sweep", "sampler", "max_trials", "message"),
    [
        (NAMED, "tpe", 3, "--sampler tpe draws from the axes of a sweep, and named has none; use --sampler grid"),
        (RATES, "random", 0, "--sampler random needs --trials, the number of trials to draw"),
    ],
)
def test_a_sampler_that_does_not_suit_the_sweep_is_refused(
    opened: Callable[..., Study], sweep: Sweep, sampler: SamplerName, max_trials: int, message: str
) -> None:
    with pytest.raises(InputError) as raised:
        opened(sweep, sampler, max_trials=max_trials)
    assert str(raised.value) == message


def test_a_folder_has_one_sweep_with_one_set_of_settings(opened: Callable[..., Study], tmp_path: Path) -> None:
    claimed = opened().claim()
    assert claimed is not None
    with pytest.raises(InputError, match=r"has this sweep with the target '', not 'h100:1x8'; choose another --out$"):
        opened(target="h100:1x8")
    changed = replace(SEEDS, base=replace(TINY, steps=7))
    with pytest.raises(InputError, match=r"has changed: .* has another trial 'seed 1'; choose another --out$"):
        opened(changed)
    without = replace(SEEDS, axes={"seed": Choice(values=(2, 3))})
    with pytest.raises(InputError, match=r"has another trial 'seed 1'"):
        opened(without)


def test_a_storage_that_cannot_be_opened_is_refused(opened: Callable[..., Study]) -> None:
    with pytest.raises(InputError, match=r"^--storage foo://x cannot be opened: "):
        opened(storage="foo://x")
