"""Several workers share a study; none does what another does or did, and what a killed one left is taken up."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.registry import experiment
from tanuki_jax.config.sweep import Choice, Range, Sweep, Trial
from tanuki_jax.planning.sweep.outcome import Outcome, failed
from tanuki_jax.planning.sweep.study import Claimed, SamplerName, Study

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
TERMS = {"executor": "local", "target": "", "objective": "loss"}
GOOD = Outcome(verdict="done", figures={"loss": 2.5, "bound": "attention"})


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Study]:
    """Opens the study of this test's folder, as another process would."""

    def open_study(
        sweep: Sweep = SEEDS, sampler: SamplerName = "grid", most: int = 0, storage: str = "", **terms: str
    ) -> Study:
        return Study(sweep, tmp_path / "out", storage, sampler, most, TERMS | terms)

    return open_study


def name(claimed: Claimed | None) -> str | None:
    return claimed.trial.name if claimed else None


def test_each_trial_is_one_workers(opened: Callable[..., Study]) -> None:
    first, second = opened(), opened()
    claims = [first.claim(), second.claim(), first.claim()]
    assert [name(claimed) for claimed in claims] == ["seed 1", "seed 2", "seed 3"]
    assert first.claim() is None
    assert second.claim() is None
    assert (first.planned, first.ended) == (3, 0)


def test_what_a_worker_left_is_taken_up_with_what_it_remembered(opened: Callable[..., Study]) -> None:
    first, second = opened(), opened()
    claimed = first.claim()
    assert claimed is not None
    claimed.remember("job 17")
    first.leave(claimed)
    again = second.claim()
    assert again is not None
    assert (again.number, again.trial, again.job) == (claimed.number, claimed.trial, "job 17")
    assert name(second.claim()) == "seed 2"


def test_a_trial_that_ended_is_not_done_again(opened: Callable[..., Study]) -> None:
    study = opened()
    ends = [
        GOOD,
        Outcome(verdict="does not fit", figures={"loss": 1.0}, reason="3 GiB too large"),
        failed("it was a Monday"),
    ]
    for outcome in ends:
        claimed = study.claim()
        assert claimed is not None
        study.finish(claimed, outcome)
    later = opened()
    assert later.claim() is None
    assert [record.outcome for record in later.records()] == ends
    assert (later.planned, later.ended) == (3, 3)


def test_trials_by_name_keep_their_reference_and_their_refusal(opened: Callable[..., Study]) -> None:
    study = opened(NAMED)
    first, second = study.claim(), study.claim()
    assert first is not None and second is not None
    assert first.trial == NAMED.trials[0]
    assert second.trial.experiment == "b cannot be"


def test_a_part_of_the_grid_may_be_done_first(opened: Callable[..., Study]) -> None:
    some = opened(most=2)
    assert [name(some.claim()), name(some.claim()), some.claim()] == ["seed 1", "seed 2", None]
    assert name(opened().claim()) == "seed 3"


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_samplers_draw_as_many_as_were_asked_for_from_the_axes(
    opened: Callable[..., Study], sampler: SamplerName
) -> None:
    first, second = opened(RATES, sampler, 4), opened(RATES, sampler, 4)
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
    kept = [record.trial.experiment for record in second.records()]
    assert [one.schedule.peak for one in kept if not isinstance(one, str)] == rates


@pytest.mark.long
def test_a_database_keeps_the_trials_too(opened: Callable[..., Study], tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path}/trials.db"
    claimed = opened(storage=storage).claim()
    assert claimed is not None
    assert name(opened(storage=storage).claim()) == "seed 2"


@pytest.mark.parametrize(
    ("sweep", "sampler", "most", "sentence"),
    [
        (NAMED, "tpe", 3, "--sampler tpe draws from the axes of a sweep, and named has none; its trials are a grid"),
        (RATES, "random", 0, "--sampler random needs --trials, the number of trials to draw"),
    ],
)
def test_what_cannot_be_sampled_is_refused(
    opened: Callable[..., Study], sweep: Sweep, sampler: SamplerName, most: int, sentence: str
) -> None:
    with pytest.raises(InputError) as raised:
        opened(sweep, sampler, most)
    assert str(raised.value) == sentence


def test_a_folder_holds_one_sweep_on_one_set_of_terms(opened: Callable[..., Study], tmp_path: Path) -> None:
    claimed = opened().claim()
    assert claimed is not None
    with pytest.raises(
        InputError, match=r"holds this sweep with target  *, not h100:1x8; give another --out for that$"
    ):
        opened(target="h100:1x8")
    changed = replace(SEEDS, base=replace(TINY, steps=7))
    with pytest.raises(
        InputError, match=r"holds a trial 'seed 1' that is another in the sweep now; give another --out for that$"
    ):
        opened(changed)
    without = replace(SEEDS, axes={"seed": Choice(values=(2, 3))})
    with pytest.raises(InputError, match=r"holds a trial 'seed 1' that is another"):
        opened(without)


def test_a_storage_that_cannot_be_opened_is_refused(opened: Callable[..., Study]) -> None:
    with pytest.raises(InputError, match=r"^--storage foo://x cannot be opened: "):
        opened(storage="foo://x")
