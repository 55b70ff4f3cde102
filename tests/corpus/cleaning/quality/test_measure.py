import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.cleaning.quality.labelled import Labelled
from tanuki_jax.corpus.cleaning.quality.measure import agreement, measure_model, measure_rule, surviving
from tanuki_jax.corpus.cleaning.rules.length import Length
from tanuki_jax.corpus.cleaning.rules.menus import Menus

PAIRS = st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.booleans()), min_size=2)


@given(PAIRS)
def test_auc_is_the_share_of_pairs_in_order(pairs: list[tuple[float, bool]]) -> None:
    scores, good = np.array([score for score, _ in pairs]), np.array([label for _, label in pairs])
    found = agreement(scores, good)
    ordered = [(high > low) + (high == low) / 2 for high in scores[good] for low in scores[~good]]
    assert found.auc == pytest.approx(sum(ordered) / len(ordered)) if ordered else math.isnan(found.auc)
    assert found.accuracy == pytest.approx(sum((score >= 0.5) == label for score, label in pairs) / len(pairs))


def test_a_rule_is_measured_by_what_it_drops_and_cuts() -> None:
    texts = [
        Labelled("猫がいる。\n" * 9, True),
        Labelled("猫。", True),
        Labelled("安い。", False),
        Labelled("ホーム | 会社 | 採用\n" + "安い靴がある。\n" * 5, False),
    ]
    found = measure_rule(Length(), texts)
    assert (found.bad_dropped, found.good_dropped, found.precision, found.recall) == (1, 1, 0.5, 0.5)
    menus = measure_rule(Menus(), texts)
    assert (menus.bad_dropped, menus.good_cut) == (0, 0)
    assert menus.bad_cut == pytest.approx(14 / (3 + 14 + 40))
    assert math.isnan(menus.precision)
    assert surviving([Length()], ["猫" * 30, "猫" * 10]) == 0.75


def test_random_labels_cannot_be_learned_from_copies(labelled: list[Labelled]) -> None:
    """Each text is there four times: a model that saw copies of what it is judged on would know the labels."""
    numbers: dict[str, int] = {}
    random = np.random.default_rng(0).permutation(200) < 100
    shuffled = [Labelled(one.text, bool(random[numbers.setdefault(one.text, len(numbers))])) for one in labelled * 2]
    assert measure_model(shuffled, shuffles=1, folds=2).auc < 0.7
    assert measure_model(labelled, shuffles=1, folds=2).auc > 0.95
