"""Preference learning: losses of pairs of answers. Metrics have the names that TRL gives them."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from tanuki_jax.config.experiment import Preference
from tanuki_jax.data.batch import SIDES, Batch
from tanuki_jax.lm.kernels.cross_entropy import LinearCrossEntropy
from tanuki_jax.lm.objectives.objective import PairsPerAnswer, StepContext, Sums

_ALWAYS_PER_TOKEN = ("ipo", "orpo", "simpo")


class Answers(NamedTuple):
    """Values of the answers of N pairs, such as sums or means of log-probabilities over their tokens; [N] each.

    A rated answer of kto is a pair without a rejected answer if it is good, without a chosen one if it is bad.
    """

    chosen: jax.Array
    rejected: jax.Array
    mismatched: jax.Array
    """Log-probabilities of an answer to another prompt, in kto."""


@dataclasses.dataclass(frozen=True)
class PreferenceObjective:
    """Loss of each pair, summed; the weight is the number of pairs."""

    config: Preference

    needs_rng = False
    reports_held_out_parts = True

    @property
    def batch_arrays(self) -> tuple[str, ...]:
        """Pairs and sides, and the reference where it is stored."""
        return ("pair_ids", "sides", *(("reference_logps",) if self.config.stores_reference else ()))

    @property
    def documents_per_record(self) -> int:
        """Chosen and rejected answer, and in kto an answer to another prompt."""
        return 3 if self.config.loss == "kto" else 2

    @property
    def form(self) -> str:
        """Form of the sources, which is kto's own for kto."""
        return "kto" if self.config.loss == "kto" else "preference"

    def step_context(self, batch: Batch[jax.Array]) -> StepContext:
        """Return the pairs per token and per answer of the whole batch."""
        return StepContext(pairs_per_token=pairs_per_token(batch), pairs_per_answer=pairs_per_answer(batch))

    def embedding_noise(self, key: jax.Array, batch: Batch[jax.Array], width: int, dtype: str) -> jax.Array | None:
        """Return None."""
        return None

    def sums(
        self,
        states_btd: jax.Array,
        output_dv: jax.Array,
        batch: Batch[jax.Array],
        cross_entropy: LinearCrossEntropy,
        reference_logps_bt: jax.Array | None,
        context: StepContext,
    ) -> Sums:
        """Return the loss of each pair, summed.

        Parts beside `loss`: `rewards/chosen`, `rewards/rejected` (beta log(pi / pi_ref)), `rewards/margins`,
        `rewards/accuracies`, `logps/chosen`, `logps/rejected`, `logps/accuracies` (how often the model alone finds the
        chosen answer more probable), and where the loss has them `nll_loss` and `kl`. Parts of one kind of answer are
        means over the answers of that kind; kto, whose records may have one, reports the difference of their means as
        `rewards/margins`, and no accuracies.

        The tokens of a pair lie in one row; sums of `reference_logps_bt` over an answer's tokens are its
        log-probability by the reference.
        """
        config = self.config
        assert context.pairs_per_token is not None and context.pairs_per_answer is not None
        logps_bt = cross_entropy(states_btd, output_dv, batch.targets, batch.loss_weights)[0] * batch.loss_weights
        tokens = _by_pair(batch.loss_weights, batch)
        present = Answers(*(count > 0 for count in tokens))
        real_n = present.chosen | present.rejected
        policy = _by_pair(logps_bt, batch)
        reference = Answers(*map(jnp.zeros_like, policy))
        if reference_logps_bt is not None:
            reference = _by_pair(reference_logps_bt, batch)
        if config.per_token or config.loss in _ALWAYS_PER_TOKEN:
            policy, reference = (
                jax.tree.map(lambda sums, count: sums / jnp.maximum(count, 1), part, tokens)
                for part in (policy, reference)
            )
        # Slots without a pair get a value whose loss is finite: a NaN would survive the selection below in the
        # gradient.
        policy = Answers(*(jnp.where(real_n, part, -1.0) for part in policy))
        losses_n, kl = losses(policy, reference, config, present)

        nll = -jnp.sum(logps_bt * (batch.sides == 1))
        sft_weight = 1.0 if config.loss == "orpo" else config.sft_weight
        nll_weighted = sft_weight * nll * context.pairs_per_token if sft_weight else 0.0
        total = _over_pairs(losses_n, real_n) + nll_weighted
        weight = real_n.sum().astype(jnp.float32)
        parts = {"loss": total, **_metrics(policy, reference, config, present, context.pairs_per_answer)}
        if sft_weight:
            parts["nll_loss"] = nll * context.pairs_per_token
        if config.loss == "kto":
            parts["kl"] = kl * weight
        return Sums(total=total, weight=weight, parts=jax.lax.stop_gradient(parts))

    def counted(self, batch: Batch[jax.Array]) -> jax.Array:
        """Return 1 at one token of each pair, so that sums are numbers of pairs."""
        always_there = 3 if self.config.loss == "kto" else 1  # a rated answer lacks the chosen or the rejected one
        return ((batch.positions == 0) & (batch.sides == always_there)).astype(jnp.float32)


def losses(policy: Answers, reference: Answers, objective: Preference, present: Answers) -> tuple[jax.Array, jax.Array]:
    """Return the loss of each pair, float32[N], without the SFT term; and KTO's estimate of the divergence, float32[],
    else 0.

    Rafailov et al. 2023, equation 7 (with label smoothing as in Mitchell 2023); Azar et al. 2024, equation 17; Zhao et
    al. 2023; Hong et al. 2024, equations 6 and 7; Meng et al. 2024, equation 6; Ethayarajh et al. 2024, equation 8,
    as the mean over the answers that a pair has.

    Args:
        policy: log-probabilities by the model, sums or means over tokens.
        reference: log-probabilities by the reference; zeros without one.
        objective: name of the loss, and its constants.
        present: bool[N], whether a slot has the answer.
    """
    ratios = Answers(*(ours - theirs for ours, theirs in zip(policy, reference, strict=True)))
    beta, difference = objective.beta, ratios.chosen - ratios.rejected
    no_kl = jnp.zeros(())
    match objective.loss:
        case "sigmoid":
            return _logistic(beta * difference, objective.label_smoothing), no_kl
        case "simpo":
            return _logistic(beta * difference - objective.margin, objective.label_smoothing), no_kl
        case "hinge":
            return jax.nn.relu(1 - beta * difference), no_kl
        case "ipo":
            return jnp.square(difference - 1 / (2 * beta)), no_kl
        case "orpo":
            log_odds = difference - (jax.nn.log1mexp(-policy.chosen) - jax.nn.log1mexp(-policy.rejected))
            return -beta * jax.nn.log_sigmoid(log_odds), no_kl
        case "kto":
            real_n = present.chosen | present.rejected
            mean = jnp.where(real_n, ratios.mismatched, 0.0).sum() / jnp.maximum(real_n.sum(), 1)
            kl = jax.lax.stop_gradient(jnp.maximum(mean, 0.0))
            desirable = objective.desirable * (1 - jax.nn.sigmoid(beta * (ratios.chosen - kl)))
            undesirable = objective.undesirable * (1 - jax.nn.sigmoid(beta * (kl - ratios.rejected)))
            answers_n = 1.0 * present.chosen + present.rejected
            losses_n = jnp.where(present.chosen, desirable, 0.0) + jnp.where(present.rejected, undesirable, 0.0)
            return losses_n / jnp.maximum(answers_n, 1), kl


def _logistic(margins: jax.Array, smoothing: float) -> jax.Array:
    return -(1 - smoothing) * jax.nn.log_sigmoid(margins) - smoothing * jax.nn.log_sigmoid(-margins)


def _over_pairs(values_n: jax.Array, real_n: jax.Array) -> jax.Array:
    return jnp.where(real_n, values_n, 0.0).sum()


def _metrics(
    policy: Answers, reference: Answers, objective: Preference, present: Answers, pairs_per: PairsPerAnswer
) -> dict[str, jax.Array]:
    """Return rewards and log-probabilities, as sums whose quotient by the number of pairs is the mean over the answers
    that there are."""
    rewards = Answers(*(objective.beta * (ours - theirs) for ours, theirs in zip(policy, reference, strict=True)))
    chosen, rejected = pairs_per.chosen, pairs_per.rejected
    metrics = {
        "rewards/chosen": _over_pairs(rewards.chosen, present.chosen) * chosen,
        "rewards/rejected": _over_pairs(rewards.rejected, present.rejected) * rejected,
        "logps/chosen": _over_pairs(policy.chosen, present.chosen) * chosen,
        "logps/rejected": _over_pairs(policy.rejected, present.rejected) * rejected,
    }
    if objective.loss == "kto":
        return metrics | {"rewards/margins": metrics["rewards/chosen"] - metrics["rewards/rejected"]}
    comparisons = {
        "rewards/margins": rewards.chosen - rewards.rejected,
        "rewards/accuracies": 1.0 * (rewards.chosen > rewards.rejected),
        "logps/accuracies": 1.0 * (policy.chosen > policy.rejected),
    }
    real_n = present.chosen | present.rejected
    return metrics | {name: _over_pairs(value_n, real_n) for name, value_n in comparisons.items()}


def pairs_per_token(batch: Batch[jax.Array]) -> jax.Array:
    """Return the pairs of batches [..., B, T] over the tokens of their chosen answers, float32[]."""
    assert batch.pair_ids is not None
    return batch.pair_ids.max(-1).sum() / jnp.maximum(jnp.sum(batch.loss_weights * (batch.sides == 1)), 1)


def pairs_per_answer(batch: Batch[jax.Array]) -> PairsPerAnswer:
    """Return the pairs of batches [..., B, T] over those that have a chosen answer, and a rejected one."""
    assert batch.pair_ids is not None and batch.sides is not None
    begins = batch.positions == 0
    chosen, rejected = (jnp.sum(begins & (batch.sides == side)) for side in (1, 2))
    pairs = batch.pair_ids.max(-1).sum()
    # Not a number where there are pairs and none has the answer: then its metrics have no mean.
    return PairsPerAnswer(*(jnp.where(pairs > 0, pairs / count, 1.0) for count in (chosen, rejected)))


def _by_pair(values_bt: jax.Array, batch: Batch[jax.Array]) -> Answers:
    """Return sums over the tokens of each answer, for the largest possible number of pairs; 0 in slots without a pair.

    Every token is compared with every slot, which adds in the same order each time, unlike a scatter on a GPU.
    """
    assert batch.pair_ids is not None and batch.sides is not None
    slots, sides = values_bt.shape[1] // 2, len(SIDES)
    slot_bt = (batch.pair_ids - 1) * sides + batch.sides - 1
    in_slot = slot_bt[:, :, None] == jnp.arange(slots * sides)
    sums = jnp.where(in_slot, values_bt[:, :, None], 0.0).sum(1).reshape(-1, sides)
    return Answers(*sums.T)
