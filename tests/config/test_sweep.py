"""Sweeps are grids of fields or lists of trials, and invalid ones are refused with the reason."""

import math

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.registry import experiment
from tanuki_jax.config.sweep import Choice, Range, Sweep, Trial, with_fields

TINY = experiment.find("tiny")


def test_fields_are_changed_by_their_dotted_names() -> None:
    changed = with_fields(TINY, {"schedule.peak": 1, "seed": 7, "layout.remat": "full"})
    assert (changed.schedule.peak, changed.seed, changed.layout.remat) == (1.0, 7, "full")
    assert changed.schedule.final == TINY.schedule.final


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "schedule.peek",
            1.0,
            "there is no field 'schedule.peek'; the nearest to 'peek' in Schedule is 'peak'",
        ),
        ("rewind.most", 1, "there is no field 'rewind.most': 'most' of Rewind is called 'max_rewinds' now"),
        ("sed", 1, "there is no field 'sed'; the nearest to 'sed' in Experiment is 'seed'"),
        ("seed.x", 1, "there is no field 'seed.x'; the nearest to 'seed' in Experiment is 'seed'"),
        ("seed", "one", "seed is 'one', and must be a whole number"),
        ("seed", -1, "seed is -1, and must be at least 0 and below 4294967296"),
        ("schedule.peak", "high", "schedule.peak is 'high', and must be a number"),
        ("schedule", 3, "schedule is 3, and must be Schedule(...)"),
    ],
)
def test_an_impossible_field_or_value_is_refused(field: str, value: float | str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        with_fields(TINY, {field: value})
    assert str(raised.value) == message


def test_a_grid_has_every_combination_and_names_it() -> None:
    axes: dict[str, Choice | Range] = {
        "schedule.peak": Range(low=1e-3, high=4e-3, log=True, points=3),
        "seed": Choice(values=(0, 1)),
    }
    grid = Sweep(name="s", objective="loss", direction="minimize", base=TINY, axes=axes).grid()
    assert [trial.name for trial in grid] == [
        f"peak {peak}, seed {seed}" for peak in ("0.001", "0.002", "0.004") for seed in (0, 1)
    ]
    assert grid[3].experiment == with_fields(TINY, {"schedule.peak": 0.002, "seed": 1})


def test_a_range_ends_exactly_at_its_bounds() -> None:
    assert Range(low=0.1, high=0.7, points=4).values == (0.1, 0.3, 0.5, 0.7)
    assert Range(low=0.3, high=0.7, log=True, points=3).values == (0.3, float(f"{math.sqrt(0.21):.6g}"), 0.7)


@pytest.mark.parametrize(
    ("low", "high", "log", "points", "message"),
    [
        (2.0, 1.0, False, 3, "range.low (2.0) must be below range.high (1.0)"),
        (1.0, 2.0, False, 1, "range.points is 1, and must be at least 2"),
        (0.0, 1.0, True, 3, "range.low is 0.0, and must be above 0 where range.log is set"),
    ],
)
def test_an_impossible_range_is_refused(low: float, high: float, log: bool, points: int, message: str) -> None:
    with pytest.raises(InputError) as raised:
        Range(low=low, high=high, log=log, points=points)
    assert str(raised.value) == message


def test_a_sweep_without_trials_is_refused() -> None:
    empty = Sweep(name="empty", objective="loss", direction="minimize")
    with pytest.raises(InputError, match=r"^the sweep 'empty' has no trials$"):
        empty.grid()
    hollow = Sweep(name="hollow", objective="loss", direction="minimize", base=TINY, axes={"seed": Choice(values=())})
    with pytest.raises(InputError, match=r"^the sweep 'hollow' has no trials$"):
        hollow.grid()


def test_a_sweep_has_trials_or_axes_and_no_name_twice() -> None:
    one = Trial(name="one", experiment=TINY)
    with pytest.raises(InputError, match="either trials, or a base and axes"):
        Sweep(
            name="s",
            objective="loss",
            direction="minimize",
            trials=(one,),
            base=TINY,
            axes={"seed": Choice(values=(1,))},
        )
    with pytest.raises(InputError, match="either trials, or a base and axes"):
        Sweep(name="s", objective="loss", direction="minimize", base=TINY)
    with pytest.raises(InputError, match="two trials named 'one'"):
        Sweep(name="s", objective="loss", direction="minimize", trials=(one, one))
