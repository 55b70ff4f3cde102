"""Losses and gradients of pairs against TRL's, on the same logits."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest

from tanuki_jax.config.experiment import Preference
from tests.lm.objectives.pairs import Answer, Pair, pairs, rated
from tests.lm.objectives.test_preference import computed

pytestmark = pytest.mark.parity


class Theirs:
    """Documents as TRL takes them: one after the other, a token longer, since TRL drops the logits of the last."""

    def __init__(self, torch: Any, answers: list[Answer]) -> None:
        self.torch, self.answers = torch, answers
        longest = max(answer.length for answer in answers) + 1
        self.ids, self.mask = torch.zeros((2, len(answers), longest), dtype=torch.long)
        self.logits = [torch.tensor(answer.logits_tv, requires_grad=True) for answer in answers]
        for row, answer in enumerate(answers):
            self.ids[row, 1 : 1 + answer.length] = torch.tensor(answer.targets_t)
            self.mask[row, 1 : 1 + answer.length] = torch.tensor(answer.learned_t)

    def model(self, **given: Any) -> Any:
        """Stand in for a model with a fused head: log-probabilities of labels that are not -100, else 0."""
        torch = self.torch
        rows = []
        for logits, labels in zip(self.logits, given["labels"], strict=True):
            labels = labels[1 : 1 + len(logits)]
            logps = torch.log_softmax(logits, -1).gather(1, labels.clamp(min=0)[:, None])[:, 0]
            rows.append(torch.nn.functional.pad(logps * (labels != -100), (0, self.ids.shape[1] - 1 - len(logits))))
        zeros = torch.zeros(len(rows), self.ids.shape[1] - 1)
        return SimpleNamespace(log_probs=torch.stack(rows), entropy=zeros, mean_logits=zeros, is_top1=zeros.bool())

    def logps(self, *, average: bool) -> Any:
        found = self.model(labels=self.ids.masked_fill(self.mask == 0, -100)).log_probs.sum(1)
        return found / self.mask.sum(1) if average else found

    def gradients(self) -> list[np.ndarray]:
        return [logits.grad.numpy() for logits in self.logits]


def trainer(**settings: Any) -> MagicMock:
    """Stands for a trainer, whose loss is a method that reads its settings; what it logs goes nowhere."""
    plain = {
        "aux_loss_enabled": False,
        "ld_alpha": None,
        "use_weighting": False,
        "f_divergence_type": "reverse_kl",
        "alpha": 0.0,
    }
    found = MagicMock(**plain | settings)
    found.accelerator.gather_for_metrics.side_effect = lambda value: value
    found.accelerator.device = "cpu"
    return found


def assert_same(loss: Any, theirs: Theirs, objective: Preference, given: list[Pair]) -> None:
    """Loss a pair, and gradients with respect to every document's logits."""
    loss.backward()
    sums, gradients = computed(objective, [given[:2], given[2:]], 100)
    weight = float(sums.weight)
    assert float(sums.total) / weight == pytest.approx(loss.item(), rel=1e-5)
    sides = len(given[0])
    expected = dict(
        zip([(number, side) for side in range(sides) for number in range(len(given))], theirs.gradients(), strict=True)
    )
    for number, pair in enumerate(given):
        whole = np.concatenate([expected[number, side] for side in range(sides)])
        np.testing.assert_allclose(gradients[id(pair)] / weight, whole, atol=1e-5 * max(np.abs(whole).max(), 1e-3))


@pytest.mark.parametrize(
    ("objective", "types", "weights"),
    [
        (Preference(beta=0.2), ["sigmoid"], [1.0]),
        (Preference(beta=0.2, loss="hinge"), ["hinge"], [1.0]),
        (Preference(beta=0.2, loss="ipo"), ["ipo"], [1.0]),
        (Preference(beta=2.0, per_token=True), ["sigmoid_norm"], [1.0]),
        (Preference(beta=0.2, sft_weight=0.7), ["sigmoid", "sft"], [1.0, 0.7]),
    ],
    ids=["sigmoid", "hinge", "ipo", "per token", "with SFT"],
)
def test_dpo(objective: Preference, types: list[str], weights: list[float]) -> None:
    torch = pytest.importorskip("torch")
    from trl import DPOTrainer

    given = pairs(5)
    theirs = Theirs(torch, [pair[side] for side in range(2) for pair in given])
    chosen, rejected = (torch.tensor([pair[side].reference_logp for pair in given]) for side in range(2))
    inputs = {"input_ids": theirs.ids, "attention_mask": torch.ones_like(theirs.ids), "completion_mask": theirs.mask}
    inputs |= {"ref_chosen_logps": chosen, "ref_rejected_logps": rejected}
    stand_in = trainer(beta=objective.beta, loss_types=types, loss_weights=weights, precompute_ref_logps=True)
    loss = DPOTrainer._compute_loss(stand_in, theirs.model, inputs, False)
    assert_same(loss, theirs, objective, given)


KTO = Preference(loss="kto", beta=0.3, desirable=1.3, undesirable=0.9)


def kto_loss(torch: Any, theirs: Theirs, labels: list[bool], given: list[Pair]) -> Any:
    """TRL's loss of answers, which are good or bad, and of the other prompts' answers of some pairs."""
    from trl import KTOTrainer

    mismatched = Theirs(torch, [pair[2] for pair in given])
    inputs = {
        "input_ids": theirs.ids,
        "completion_mask": theirs.mask,
        "label": torch.tensor(labels),
        "ref_logps": torch.tensor([answer.reference_logp for answer in theirs.answers]),
        "ref_KL_logps": torch.tensor([pair[2].reference_logp for pair in given]),
        "attention_mask": torch.ones_like(theirs.ids),
    }
    stand_in = trainer(
        beta=KTO.beta,
        loss_type="kto",
        desirable_weight=KTO.desirable,
        undesirable_weight=KTO.undesirable,
        precompute_ref_logps=True,
        calculate_KL=True,
    )
    stand_in._compute_kl_logps.return_value = mismatched.logps(average=False).detach()
    return KTOTrainer._compute_loss(stand_in, theirs.model, inputs, False)


def assert_same_kto(loss: Any, given: list[Pair], theirs: dict[int, np.ndarray]) -> None:
    """Loss, and gradients with respect to the logits of each pair's answers; those of other prompts' answers are 0."""
    sums, gradients = computed(KTO, [given[:2], given[2:]], 100)
    assert float(sums.parts["kl"]) > 0
    assert float(sums.total) / 5 == pytest.approx(loss.item(), rel=1e-5)
    for pair in given:
        whole = np.concatenate([theirs[id(pair)], np.zeros_like(pair[2].logits_tv)])
        np.testing.assert_allclose(gradients[id(pair)] / 5, whole, atol=1e-5 * max(np.abs(whole).max(), 1e-3))


def test_kto() -> None:
    torch = pytest.importorskip("torch")
    given = pairs(5, sides=3)
    theirs = Theirs(torch, [pair[side] for side in range(2) for pair in given])
    loss = kto_loss(torch, theirs, [True] * 5 + [False] * 5, given)
    loss.backward()
    found = theirs.gradients()
    of_pairs = {id(pair): np.concatenate([found[n], found[n + 5]]) for n, pair in enumerate(given)}
    assert_same_kto(loss, given, of_pairs)


def test_kto_of_unpaired_answers() -> None:
    torch = pytest.importorskip("torch")
    given = rated(pairs(5, sides=3))
    labels = [number % 2 == 0 for number in range(5)]
    theirs = Theirs(torch, [pair[0 if good else 1] for pair, good in zip(given, labels, strict=True)])
    loss = kto_loss(torch, theirs, labels, given)
    loss.backward()
    assert_same_kto(loss, given, {id(pair): found for pair, found in zip(given, theirs.gradients(), strict=True)})


@pytest.mark.parametrize(
    "objective",
    [Preference(loss="simpo", beta=2.0, margin=1.2), Preference(loss="simpo", beta=2.0, label_smoothing=0.1)],
)
def test_simpo(objective: Preference) -> None:
    torch = pytest.importorskip("torch")
    from trl.experimental.cpo import CPOTrainer

    given = pairs(5)
    theirs = Theirs(torch, [pair[side] for side in range(2) for pair in given])
    stand_in = trainer(
        loss_type="simpo", beta=2.0, simpo_gamma=objective.margin, label_smoothing=objective.label_smoothing
    )
    losses, _, _ = CPOTrainer.cpo_loss(stand_in, *theirs.logps(average=True).chunk(2))
    assert_same(losses.mean(), theirs, objective, given)


def test_orpo() -> None:
    """TRL's chosen loss is of the prompt's tokens too; the paper's, and ours, of the answer's."""
    torch = pytest.importorskip("torch")
    from trl.experimental.orpo import ORPOTrainer

    given = pairs(5)
    theirs = Theirs(torch, [pair[side] for side in range(2) for pair in given])
    stand_in = trainer(beta=0.4)
    losses, *_ = ORPOTrainer.odds_ratio_loss(stand_in, *theirs.logps(average=True).chunk(2))
    nll = -theirs.logps(average=False)[:5].sum() / theirs.mask[:5].sum()
    assert_same(nll - losses.mean(), theirs, Preference(loss="orpo", beta=0.4), given)
