"""Predicted time of a step with invented figures, against sums by hand."""

import dataclasses

import pytest

from tanuki_jax.config.hardware import Efficiency, Hardware, find
from tanuki_jax.planning.plan.plan_results import Traffic
from tanuki_jax.planning.plan.predict import can_hide, terms
from tanuki_jax.planning.plan.work import Work

WORK = Work(matmul=8_000, attention=400, grouped_matmul=0, cross_entropy=1_000)


@pytest.fixture
def device() -> Hardware:
    """Return hardware with round figures: 100 FLOP/s, of which half are reached, and 10 bytes a second of memory."""
    half = {name: Efficiency(value=0.5, source="a guess", measured=name == "matmul") for name in find("cpu").efficiency}
    return dataclasses.replace(find("cpu"), peak_flops=100.0, memory_rate=20.0, host_rate=10.0, efficiency=half)


def collective(kind: str, seconds: float, *axes: str, between_nodes: bool = False) -> Traffic:
    return Traffic(kind=kind, between_nodes=between_nodes, count=1, sent_bytes=1, seconds=seconds, axes=axes)


def test_work_is_divided_by_the_rate_that_is_reached(device: Hardware) -> None:
    parts = {term.name: term for term in terms(device, 2, WORK, 0.0, 30, 0, [])}
    assert {name: term.seconds for name, term in parts.items()} == {
        "products with weights": 80.0,
        "attention": 4.0,
        "output matrix and loss": 10.0,
        "memory between products": 3.0,
    }
    assert [name for name, term in parts.items() if term.measured] == ["products with weights"]


def test_work_hides_weights_and_gradients_but_not_activations(device: Hardware) -> None:
    sent = [
        collective("all-gather", 8.0, "fsdp"),
        collective("all-reduce", 4.0, "data", between_nodes=True),
        collective("all-gather", 2.0, "tensor"),
        collective("all-to-all", 1.0, "fsdp", "expert", between_nodes=True),
    ]
    parts = {term.name: (term.seconds, term.hidden) for term in terms(device, 2, WORK, 0.0, 0, 20, sent)}
    assert parts["weights, gradients inside a node"] == (8.0, 4.0)
    assert parts["weights, gradients between nodes"] == (4.0, 2.0)
    assert parts["transfers to the host"] == (2.0, 1.0)
    assert parts["activations inside a node"] == (2.0, 0.0)
    assert parts["activations between nodes"] == (1.0, 0.0)


def test_no_more_is_hidden_than_the_device_is_busy(device: Hardware) -> None:
    parts = terms(device, 2, WORK, 0.0, 0, 0, [collective("all-gather", 1000.0, "fsdp")])
    assert sum(term.shown for term in parts) == pytest.approx(1000.0)


def test_idle_rounds_are_a_separate_term(device: Hardware) -> None:
    parts = {term.name: term.seconds for term in terms(device, 2, WORK, 0.25, 0, 0, [])}
    assert parts == {
        "products with weights": 60.0,
        "attention": 3.0,
        "output matrix and loss": 10.0,
        "idle stages": 21.0,
    }


@pytest.mark.parametrize(
    ("kind", "axes", "hides"),
    [
        ("all-gather", ("fsdp",), True),
        ("reduce-scatter", ("fsdp", "expert"), True),
        ("all-reduce", ("data", "context"), True),
        ("all-reduce", ("tensor",), False),
        ("all-gather", ("context",), False),
        ("all-gather", ("expert",), False),
        ("all-to-all", ("fsdp",), False),
        ("collective-permute", ("stage",), False),
    ],
)
def test_collectives_of_weights_are_recognised_by_their_axes(kind: str, axes: tuple[str, ...], hides: bool) -> None:
    assert can_hide(collective(kind, 1.0, *axes)) == hides
