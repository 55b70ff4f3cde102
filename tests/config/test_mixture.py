"""A mixture that contradicts itself is refused when it is created."""

import math
from collections.abc import Mapping

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.mixture import Mixture, Source, Stage, by_tokens

A, B = Source(name="a", billion_tokens=3.0), Source(name="b", billion_tokens=1.0)


def refusal(sources: tuple[Source, ...], *stages: Stage) -> str:
    with pytest.raises(InputError) as raised:
        Mixture(sources=sources, stages=stages)
    return str(raised.value)


def test_a_source_is_named_once() -> None:
    assert refusal((A, B, A), Stage(weights={"a": 1})) == "a mixture names a source twice: a"


def test_weights_are_of_sources_that_exist() -> None:
    assert (
        refusal((A,), Stage(weights={"a": 1, "c": 1}))
        == "a stage has weights for c, but the mixture has no such source"
    )


@pytest.mark.parametrize("steps", [(), (1,), (0, 5, 5), (0, 9, 5)])
def test_stages_begin_at_zero_and_go_up(steps: tuple[int, ...]) -> None:
    stages = tuple(Stage(weights={"a": 1}, from_step=step) for step in steps)
    assert (
        refusal((A,), *stages) == f"from_step of a mixture's stages must begin at 0 and increase, unlike {list(steps)}"
    )


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": -1, "b": 2}, {"a": math.inf}, {"a": math.nan}])
def test_weights_are_a_distribution(weights: Mapping[str, float]) -> None:
    expected = "weights of the stage from data step 4 must be finite, at least 0, and not all 0"
    assert refusal((A, B), Stage(weights={"a": 1}), Stage(weights=weights, from_step=4)) == expected


def test_a_source_without_weight_is_not_used() -> None:
    early, late = Stage(weights={"a": 1, "b": 0}), Stage(weights={"a": 0, "b": 1}, from_step=3)
    assert Mixture(sources=(B, A), stages=(early,)).used == (A,)
    assert Mixture(sources=(B, A), stages=(early, late)).used == (B, A)


def test_a_held_out_source_is_stored_without_being_used() -> None:
    exam, early = Source(name="exam", held_out=True), Stage(weights={"a": 1})
    mixed = Mixture(sources=(exam, B, A), stages=(early,))
    assert (mixed.used, mixed.stored) == ((A,), (exam, A))
    assert Mixture(sources=(exam, A), stages=(Stage(weights={"a": 1, "exam": 0.0}),)).used == (A,)
    assert Mixture(sources=(B, A), stages=(early,)).stored == (A,)


def test_a_held_out_source_has_no_weight() -> None:
    late = Stage(weights={"a": 1, "exam": 0.1}, from_step=7)
    assert refusal((A, Source(name="exam", held_out=True)), Stage(weights={"a": 1}), late) == (
        "the stage from data step 7 has a weight for exam, of which held_out says that nothing is trained on; remove "
        "the weight, or held_out"
    )


def test_weights_by_tokens_count_epochs() -> None:
    assert by_tokens((A, B)) == {"a": 3.0, "b": 1.0}
    assert by_tokens((A, B), epochs={"b": 2.5}) == {"a": 3.0, "b": 2.5}
