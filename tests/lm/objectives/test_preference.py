"""Losses of pairs: the same however they are packed, and those of the papers where they are easily written down."""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tanuki_jax.config.experiment import Preference
from tanuki_jax.lm.kernels.cross_entropy import linear_cross_entropy
from tanuki_jax.lm.objectives.objective import Sums
from tanuki_jax.lm.objectives.preference import PreferenceObjective, pairs_per_token
from tests.lm.objectives.pairs import VOCABULARY, Pair, packed, pairs, rated

EVERY = {
    "sigmoid": Preference(),
    "smoothed, with SFT": Preference(label_smoothing=0.2, sft_weight=0.5),
    "per token": Preference(per_token=True),
    "hinge": Preference(loss="hinge", beta=0.3),
    "ipo": Preference(loss="ipo"),
    "kto": Preference(loss="kto", desirable=1.3),
    "orpo": Preference(loss="orpo"),
    "simpo": Preference(loss="simpo", beta=2.0, margin=0.7),
}


def computed(objective: Preference, rows: list[list[Pair]], time: int) -> tuple[Sums, dict[int, Any]]:
    """Return the sums, and the gradient of the total in the logits of every document, by row and pair."""
    logits, batch = jax.tree.map(jnp.asarray, packed(rows, time))
    reference = batch.reference_logps if objective.computes_reference else None

    def total(logits: jax.Array) -> tuple[jax.Array, Sums]:
        made = PreferenceObjective(objective)
        context = made.step_context(batch)
        sums = made.sums(logits, jnp.eye(VOCABULARY), batch, linear_cross_entropy, reference, context)
        return sums.total, sums

    (_, sums), gradient = jax.jit(jax.value_and_grad(total, has_aux=True))(logits)
    found: dict[int, Any] = {}
    for row, of_row in enumerate(rows):
        for number, pair in enumerate(of_row, 1):
            found[id(pair)] = np.asarray(gradient)[row][np.asarray(batch.pair_ids)[row] == number]
    return sums, found


@pytest.mark.parametrize("objective", EVERY.values(), ids=EVERY.keys())
@pytest.mark.thorough
def test_packing_of_pairs_changes_no_loss_metric_or_gradient(objective: Preference) -> None:
    given = pairs(7, sides=3 if objective.loss == "kto" else 2)
    alone, alone_gradients = computed(objective, [[pair] for pair in given], 40)
    together, gradients = computed(objective, [given[3:5], given[:1], [], [given[6], given[5], *given[1:3]]], 120)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), alone, together)
    assert alone.weight == 7
    for pair in given:
        np.testing.assert_allclose(gradients[id(pair)], alone_gradients[id(pair)], rtol=1e-4, atol=1e-6)
    assert all(np.isfinite(gradient).all() for gradient in gradients.values())
    assert any(np.abs(gradient).max() > 0 for gradient in gradients.values())


def test_rated_answers_may_share_rows_with_pairs() -> None:
    objective, given = EVERY["kto"], pairs(6, sides=3)
    given = [*given[:2], *rated(given[2:])]
    alone, alone_gradients = computed(objective, [[pair] for pair in given], 40)
    together, gradients = computed(objective, [given[3:5], [], [given[5], given[0]], given[1:3]], 120)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), alone, together)
    assert alone.weight == 6
    for pair in given:
        np.testing.assert_allclose(gradients[id(pair)], alone_gradients[id(pair)], rtol=1e-4, atol=1e-6)


def test_a_metric_is_the_mean_over_the_answers_that_there_are() -> None:
    given = pairs(4, sides=3)
    whole, _ = computed(EVERY["kto"], [given], 120)
    chosen, _ = computed(EVERY["kto"], [given[::2]], 120)
    rejected, _ = computed(EVERY["kto"], [given[1::2]], 120)
    sums, _ = computed(EVERY["kto"], [rated(given)], 120)
    for name in ("rewards/chosen", "logps/chosen"):
        assert float(sums.parts[name]) / 4 == pytest.approx(float(chosen.parts[name]) / 2, rel=1e-5)
    for name in ("rewards/rejected", "logps/rejected"):
        assert float(sums.parts[name]) / 4 == pytest.approx(float(rejected.parts[name]) / 2, rel=1e-5)
    margin = float(sums.parts["rewards/chosen"] - sums.parts["rewards/rejected"])
    assert float(sums.parts["rewards/margins"]) == pytest.approx(margin) and "rewards/accuracies" not in sums.parts
    assert float(sums.parts["kl"]) == pytest.approx(float(whole.parts["kl"]))


def test_an_answer_that_no_record_has_has_no_mean() -> None:
    sums, _ = computed(EVERY["kto"], [rated(pairs(1, sides=3))], 60)
    absent = [name for name, part in sums.parts.items() if np.isnan(float(part))]
    assert {*absent} == {"rewards/rejected", "logps/rejected", "rewards/margins"} and np.isfinite(float(sums.total))


def test_a_model_that_is_its_reference_has_the_loss_of_a_coin() -> None:
    (pair,) = pairs(1)
    logps = [
        jax.nn.log_softmax(answer.logits_tv)[np.arange(answer.length), answer.targets_t] @ answer.learned_t
        for answer in pair
    ]
    same = tuple(
        dataclasses.replace(answer, reference_logp=float(logp)) for answer, logp in zip(pair, logps, strict=True)
    )
    sums, _ = computed(Preference(), [[same]], 30)
    assert float(sums.total) == pytest.approx(math.log(2), abs=1e-5)
    assert abs(float(sums.parts["rewards/margins"])) < 1e-5
    assert float(sums.parts["logps/chosen"]) == pytest.approx(float(logps[0]), rel=1e-5)
    assert float(sums.parts["logps/accuracies"]) == float(logps[0] > logps[1])


def test_a_micro_batch_without_a_pair_adds_nothing() -> None:
    for objective in EVERY.values():
        sums, _ = computed(objective, [[], []], 20)
        assert sums.weight == 0 and all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(sums))
        assert sums.total == 0


def test_pairs_are_counted_where_they_begin() -> None:
    _, batch = jax.tree.map(jnp.asarray, packed([pairs(2), [], pairs(3)], 80))
    np.testing.assert_array_equal(PreferenceObjective(Preference()).counted(batch).sum(1), [2, 0, 3])
    _, batch_of_rated = jax.tree.map(jnp.asarray, packed([rated(pairs(3, sides=3)), []], 80))
    counted = PreferenceObjective(Preference(loss="kto")).counted(batch_of_rated)
    np.testing.assert_array_equal(counted.sum(1), [3, 0])
    chosen = sum(pair[0].learned_t.sum() for pair in [*pairs(2), *pairs(3)])
    assert float(pairs_per_token(batch)) == pytest.approx(5 / chosen)
