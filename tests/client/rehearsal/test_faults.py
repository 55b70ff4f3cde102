"""The fault that a request meets."""

import dataclasses
from collections import Counter

import pytest

from tanuki_jax.client.rehearsal.behaviour import Behaviour
from tanuki_jax.client.rehearsal.faults import Faults

MIXED = Behaviour(unavailable=0.05, rate_limited=0.02, broken_json=0.1, stalled=0.01, cut=0.2, reset=0.03)


def bodies(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]


def test_each_fault_hits_its_share_and_both_forms_occur() -> None:
    faults = Faults(MIXED)
    chosen = [faults.choose(body, 0.0) for body in bodies(20_000)]
    counts = Counter(name for name, _ in chosen)
    for name, share in MIXED.shares.items():
        assert counts[name] / 20_000 == pytest.approx(share, rel=0.15), name
    assert 0.45 < sum(bit for name, bit in chosen if name == "cut") / counts["cut"] < 0.55


def test_faults_depend_on_the_body_and_not_on_the_order() -> None:
    first, second = Faults(MIXED), Faults(MIXED)
    forward = {body: first.choose(body, 0.0) for body in bodies(500)}
    backward = {body: second.choose(body, 9.0) for body in reversed(bodies(500))}
    assert forward == backward


def test_another_seed_and_another_sending_meet_other_faults() -> None:
    faults, others = Faults(MIXED), Faults(dataclasses.replace(MIXED, seed=1))
    first = [faults.choose(body, 0.0) for body in bodies(500)]
    assert first != [faults.choose(body, 0.0) for body in bodies(500)]
    assert first != [others.choose(body, 0.0) for body in bodies(500)]


def test_every_request_of_a_period_is_rate_limited() -> None:
    faults = Faults(Behaviour(rate_limited_between=(2.0, 3.0)))
    chosen = {seconds: faults.choose(b"a", seconds)[0] for seconds in (0.0, 1.9, 2.0, 2.9, 3.0)}
    assert chosen == {0.0: "", 1.9: "", 2.0: "rate_limited", 2.9: "rate_limited", 3.0: ""}
