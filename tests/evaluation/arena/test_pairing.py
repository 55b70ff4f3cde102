"""Shares of pairs: few battles first, weights, no model against itself, and votes that tell much."""

import random
from collections import Counter

import pytest

from tanuki_jax.evaluation.arena.arena_settings import Pairing
from tanuki_jax.evaluation.arena.pairing import Standing, draw_pair, pair_shares
from tests.evaluation.arena.contestants import contestant

FOUR = [contestant(name) for name in "abcd"]


def share_of(shares: dict[tuple[str, str], float], name: str) -> float:
    return sum(share for pair, share in shares.items() if name in pair)


def test_pairs_are_alike_if_nothing_tells_them_apart() -> None:
    shares = pair_shares(FOUR, dict.fromkeys("abcd", 10), {}, Pairing())
    assert len(shares) == 6 and shares == pytest.approx(dict.fromkeys(shares, 1 / 6))


def test_the_first_model_is_drawn_by_the_square_of_its_battles() -> None:
    """With 19 and 9 battles the first is a with 1/5 and b with 4/5 (one battle is added to each)."""
    models = [contestant("a"), contestant("b"), contestant("c", weight=1e-9)]
    shares = pair_shares(models, {"a": 19, "b": 9, "c": 9}, {}, Pairing(catch_up=1e9))
    assert shares["a", "b"] == pytest.approx(1, abs=1e-6)
    three = pair_shares(FOUR[:3], {"a": 19, "b": 9, "c": 9}, {}, Pairing(catch_up=1e9))
    first = {"a": 1 / 9, "b": 4 / 9, "c": 4 / 9}
    assert three["b", "c"] == pytest.approx((first["b"] + first["c"]) / 2)


def test_a_new_model_is_in_many_battles_but_not_in_all() -> None:
    battles = {"a": 5_000, "b": 5_000, "c": 5_000}
    shares = pair_shares(FOUR, battles, {}, Pairing())
    assert 0.8 < share_of(shares, "d") < 0.97
    assert shares["a", "b"] > 0.005
    assert share_of(pair_shares(FOUR, battles, {}, Pairing(catch_up=1.0)), "d") == pytest.approx(0.55, abs=0.07)


def test_weights_are_shares_of_the_battles() -> None:
    models = [contestant("a", weight=3.0), *FOUR[1:]]
    shares = pair_shares(models, dict.fromkeys("abcd", 10), {}, Pairing())
    assert share_of(shares, "a") > 1.5 * share_of(shares, "b")


def test_names_of_one_model_never_meet() -> None:
    models = [contestant("a", "http://x/v1"), contestant("b", "http://x/v1"), contestant("c")]
    assert {*pair_shares(models, {}, {}, Pairing(close=0.5))} == {("a", "c"), ("b", "c")}
    chance = random.Random(0)
    drawn = [{one.name, other.name} for one, other in (draw_pair(models, {}, {}, Pairing(), chance) for _ in range(99))]
    assert {"a", "b"} not in drawn


def test_close_and_uncertain_pairs_are_preferred_when_asked() -> None:
    standings = {
        "a": Standing(1000, 20),
        "b": Standing(1010, 20),
        "c": Standing(1500, 20),
        "d": Standing(1500, 200),
    }
    battles = dict.fromkeys("abcd", 50)
    plain, asked = (pair_shares(FOUR, battles, standings, Pairing(close=close)) for close in (0.0, 0.9))
    assert asked["c", "d"] > 1.3 * plain["c", "d"]  # close, and d is uncertain
    assert asked["b", "c"] < 0.5 * plain["b", "c"]  # far apart and both known
    assert min(asked.values()) > 0.1 * min(plain.values())


def test_sides_are_drawn_alike_and_follow_the_shares() -> None:
    chance = random.Random(5)
    battles = {"a": 30, "b": 10, "c": 10, "d": 2}
    shares = pair_shares(FOUR, battles, {}, Pairing())
    drawn = Counter[tuple[str, str]]()
    for _ in range(20_000):
        left, right = draw_pair(FOUR, battles, {}, Pairing(), chance)
        drawn[left.name, right.name] += 1
    for (one, other), share in shares.items():
        for pair in ((one, other), (other, one)):
            assert drawn[pair] / 20_000 == pytest.approx(share / 2, abs=0.01)
