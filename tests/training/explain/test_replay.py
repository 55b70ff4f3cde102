from pathlib import Path

import pytest

from tanuki_jax.checkpoints.format import State
from tanuki_jax.training.explain.replay import Plan, make_plan
from tanuki_jax.training.explain.spike_record import SpikeRecord
from tanuki_jax.training.loss_history import Spike
from tests.training.explain.conftest import tiny


@pytest.mark.parametrize(
    ("first", "last", "checkpoint", "most", "plan"),
    [
        (100, 110, 80, 64, Plan(first=100, last=110, begin=81, observed_from=88, compared_from=98, trained_from=81)),
        (100, 110, 99, 64, Plan(first=100, last=110, begin=88, observed_from=88, compared_from=98, trained_from=100)),
        (100, 110, 80, 19, Plan(first=100, last=110, begin=81, observed_from=88, compared_from=98, trained_from=81)),
        (100, 110, 80, 18, Plan(first=100, last=110, begin=88, observed_from=88, compared_from=98, trained_from=None)),
        (100, 110, 80, 5, Plan(first=100, last=104, begin=88, observed_from=88, compared_from=98, trained_from=None)),
        (2, 3, 1, 64, Plan(first=2, last=3, begin=1, observed_from=1, compared_from=1, trained_from=2)),
    ],
)
def test_a_plan_trains_from_the_checkpoint_unless_that_is_too_far(
    tmp_path: Path, first: int, last: int, checkpoint: int, most: int, plan: Plan
) -> None:
    spike = Spike(first=first, last=last, data_steps=(), checkpoint=checkpoint, reason="it was a test")
    state = State(
        step=checkpoint,
        tokens=0,
        skipped=(),
        model=tiny(tmp_path).model,
        tokenizer="",
        sequence_length=64,
        data="",
        files={},
    )
    record = SpikeRecord(tmp_path, 1, spike, tmp_path, state, skipped=(), lines=[], afterwards=[], events=[])
    assert make_plan(record, most) == plan
    later = make_plan(record, most, since=first - 1)
    assert (later.observed_from, later.compared_from) == (first - 1, first - 1) and later.begin >= min(
        first - 1, checkpoint + 1
    )
