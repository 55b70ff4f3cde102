import math

import pytest

from tanuki_jax.corpus.cleaning.audit.shares import agreements, share, shares_of
from tanuki_jax.corpus.cleaning.rules.addresses import Addresses
from tanuki_jax.corpus.cleaning.rules.length import Length


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    # Newcombe 1998, table I, method 3 (Wilson's score without continuity correction)
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_those_of_newcombe(count: int, of: int, low: float, high: float) -> None:
    found = share(count, of)
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


def test_shares_begin_with_the_largest() -> None:
    found = shares_of(["a", "b", "b", "b"])
    assert list(found) == ["b", "a"]
    assert found["b"].share == 0.75


def test_agreement_counts_what_each_rule_drops() -> None:
    texts = [("short", "noise"), ("short two", "story"), ("a long text of many words", "noise")]
    labelled = [{"text": text, "label": label, "url": ""} for text, label in texts]
    first, every = agreements((Length(shortest=12),), labelled, frozenset(["story"]))
    assert first.rule == "length"
    assert first.dropped == {"noise": 1, "story": 1}
    assert (first.precision, first.recall) == (0.5, 0.5)
    assert (every.rule, every.dropped) == ("all rules", first.dropped)
    nothing = agreements((Length(shortest=1),), labelled, frozenset(["story"]))[0]
    assert math.isnan(nothing.precision)


def test_rules_of_addresses_see_them() -> None:
    labelled = [
        {"text": "猫。", "label": "noise", "url": "http://example.com/casino/"},
        {"text": "犬。", "label": "noise", "url": ""},
    ]
    [addresses, _] = agreements((Addresses(),), labelled, frozenset(["story"]))
    assert addresses.dropped == {"noise": 1}
