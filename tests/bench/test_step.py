"""Steps at two depths, and the line through them."""

import dataclasses

import pytest

from tanuki_jax.bench import step
from tanuki_jax.bench.parts import PARTS, completed, experiment, expert_experiment
from tanuki_jax.bench.results import Result, Wrong, take
from tanuki_jax.bench.sizes import SIZES, Sizes
from tanuki_jax.bench.timing import Timing
from tanuki_jax.model.flops import training_flops_per_token

SMALL = SIZES["small"]


def test_a_step_at_full_depth_is_on_the_line_through_two_depths() -> None:
    """A step that takes 10 s and 3 s a layer."""
    shallow, deep = Timing(16.0, 15.5, 16.5, 9), Timing(22.0, 21.5, 22.5, 7)
    timing = step.extrapolate(shallow, deep, (2, 4), 32)
    assert timing.median == pytest.approx(10 + 3 * 32)
    assert timing.low == pytest.approx(16.5 + (21.5 - 16.5) / 2 * 30)
    assert timing.high == pytest.approx(15.5 + (22.5 - 15.5) / 2 * 30)
    assert timing.runs == 7


@pytest.fixture(scope="module")
def results() -> list[Result]:
    """Of one policy at both depths: the one that the check compiles too."""
    whole = experiment(SMALL)
    wanted = step.measurements(whole, SMALL.layers, SMALL.rows, SMALL.document)
    return [take(each, 0.0, 1e9) for each in wanted if each.variant == "remat full"]


def test_real_steps_are_timed_once_their_loss_is_that_of_plain_attention(results: list[Result]) -> None:
    assert [result.outcome for result in results] == ["measured"] * 2, [result.detail for result in results]
    for result, layers in zip(results, SMALL.layers, strict=True):
        assert result.figures is not None
        model = dataclasses.replace(SMALL.model, layers=layers)
        assert result.figures.flops == SMALL.times[0] * training_flops_per_token(model, SMALL.times[0])
        assert result.figures.notes["tokens/s"] == pytest.approx(SMALL.times[0] / result.figures.timing.median)


def test_only_what_was_measured_at_both_depths_is_extrapolated(results: list[Result]) -> None:
    def at_full_depth(some: list[Result], sizes: Sizes = SMALL) -> list[Result]:
        return [result for result in completed(some, sizes) if "extrapolated" in result.case]

    (whole,) = at_full_depth(results)
    assert whole.variant == "remat full" and whole.figures is not None
    assert whole.case == f"{experiment(SMALL).name}, 1 x 128 packed, 4 layers extrapolated"
    assert whole.figures.notes["extrapolated from layers"] == "1 and 2"
    assert whole.figures.flops == SMALL.times[0] * training_flops_per_token(SMALL.model, SMALL.times[0])
    assert at_full_depth(results[:1]) == []


def test_a_step_with_another_loss_is_wrong() -> None:
    with pytest.raises(Wrong, match=r"gradient_norm of the first step is 1\.1, not 1"):
        step._error({"loss": 2.0, "gradient_norm": 1.1}, {"loss": 2.0, "gradient_norm": 1.0})


@pytest.mark.long
def test_a_step_with_experts_is_timed_at_one_depth() -> None:
    (measured,) = [each for each in PARTS["expert-step"](SMALL) if each.variant == "remat full"]
    result = take(measured, 0.0, 1e9)
    assert result.outcome == "measured" and result.figures is not None, result.detail
    whole = expert_experiment(SMALL)
    assert result.case == "8x8b, 4 x 128 packed, 2 layers"
    model = dataclasses.replace(whole.model, layers=2)
    assert result.figures.flops == 4 * 128 * training_flops_per_token(model, 128)
    assert (model.experts, model.experts_per_token, model.router_logits) == (4, 2, "standardized")


def test_8b_is_measured_with_its_own_shape() -> None:
    whole = experiment(SIZES["full"])
    assert training_flops_per_token(whole.model, whole.data.sequence_length) == pytest.approx(49.9e9, rel=0.002)
    assert (whole.model.layers, whole.data.sequence_length, step.POLICIES[0]) == (32, 8192, "none")
