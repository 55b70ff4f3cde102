"""The tiers of the probes follow from four answers."""

import itertools

import pytest

from tanuki_jax.evaluation.tables.outside_tables import shipped
from tanuki_jax.evaluation.tables.probe_tiers import Tier, has_tiers, models_by_tier, tier_of, tiers_of


def test_the_models_of_the_deck_are_in_its_tiers() -> None:
    found = dict(models_by_tier(tiers_of(shipped("probe_matrix"))))
    assert [len(found[tier]) for tier in Tier] == [6, 4, 3, 7, 1]
    assert found[Tier.OTHER] == ["NousResearch/Hermes-3-Llama-3.1-405B"]
    assert {"Tanuki-8x8B-dpo-v1.0", "Tanuki-8B-dpo-v1.0"} <= {*found[Tier.LOW]}
    assert "mistral-large-latest" in found[Tier.MUST_BE_TOLD]


@pytest.mark.parametrize(
    ("right", "tier"),
    [
        ({"q2", "q2a", "q2b"}, Tier.HIGH),
        ({"q2", "q2_complement", "q2a", "q2b"}, Tier.HIGH),
        ({"q2", "q2_complement", "q2b"}, Tier.KNOWS_TRICK),
        ({"q2", "q2b"}, Tier.OTHER),
        ({"q2b"}, Tier.MUST_BE_TOLD),
        ({"q2a"}, Tier.OTHER),
        ({"q2", "q2_complement"}, Tier.OTHER),
        ({"q2a", "q2b"}, Tier.OTHER),
        (set(), Tier.LOW),
    ],
)
def test_the_tier_follows_from_the_right_answers(right: set[str], tier: Tier) -> None:
    names = ("q2", "q2_complement", "q2a", "q2b")
    assert tier_of(**{name: name in right for name in names}) is tier


def test_low_is_the_only_tier_without_a_right_answer() -> None:
    for q2, complement, q2a, q2b in itertools.product((False, True), repeat=4):
        low = tier_of(q2=q2, q2_complement=complement, q2a=q2a, q2b=q2b) is Tier.LOW
        assert low == (not (q2 or q2a or q2b))


def test_only_a_table_with_the_probes_has_tiers() -> None:
    assert has_tiers(shipped("probe_matrix"))
    assert not has_tiers(shipped("board"))
