"""Learning from pairs of answers: from hidden states to sums and denominators. Metrics have the names that TRL gives them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tanuki_jax.config.experiment import Preference
from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.kernels.cross_entropy import LinearCrossEntropy
from tanuki_jax.lm.objectives.sums import Sums

_PER_TOKEN = ("ipo", "orpo", "simpo")
_SIDES = 3


class Answers(NamedTuple):
    """Log-probabilities of the answers of N pairs, sums over their tokens or means; float32[N] each."""

    chosen: jax.Array
    rejected: jax.Array
    mismatched: jax.Array
    """Of an answer to another prompt, in kto."""


def preference(
    states_btd: jax.Array,
    output_dv: jax.Array,
    batch: Batch[jax.Array],
    objective: Preference,
    cross_entropy: LinearCrossEntropy,
    reference_logps_bt: jax.Array | None,
    pairs_per_token: jax.Array,
) -> Sums:
    """The loss of each pair, summed; `weight` is the number of pairs.

    Beside `loss` it reports `rewards/chosen`, `rewards/rejected` (beta times log-probabilities over the reference's), `rewards/margins`,
    `rewards/accuracies`, `logps/chosen`, `logps/rejected`, `logps/accuracies` (how often the model alone finds the chosen answer the more
    probable one), and where they are in the loss `nll_loss` and `kl`.

    Args:
        states_btd: final hidden states [B, T, D].
        output_dv: output matrix [D, V].
        batch: with `pair_ids` and `sides`; the tokens of a pair lie in one row.
        objective: the loss and its constants.
        cross_entropy: `kernels.cross_entropy.linear_cross_entropy`, or what stands for it on a mesh.
        reference_logps_bt: float32[B, T] whose sums over an answer's tokens are the reference's log-probabilities; None for a loss
            without a reference.
        pairs_per_token: of all that is summed, by `pairs_per_token`.
    """
    logps_bt = cross_entropy(states_btd, output_dv, batch.targets, batch.loss_weights)[0] * batch.loss_weights
    tokens = _by_pair(batch.loss_weights, batch)
    real_n = tokens.chosen > 0
    policy = _by_pair(logps_bt, batch)
    reference = (
        Answers(*map(jnp.zeros_like, policy)) if reference_logps_bt is None else _by_pair(reference_logps_bt, batch)
    )
    if objective.per_token or objective.loss in _PER_TOKEN:
        policy, reference = (
            jax.tree.map(lambda sums, count: sums / jnp.maximum(count, 1), part, tokens) for part in (policy, reference)
        )
    policy = Answers(
        *(jnp.where(real_n, part, -1.0) for part in policy)
    )  # of a place without a pair, any value whose loss is finite
    losses_n, kl = losses(policy, reference, objective, real_n)

    nll = -jnp.sum(logps_bt * (batch.sides == 1))
    sft = 1.0 if objective.loss == "orpo" else objective.sft_weight
    nll_weighted = sft * nll * pairs_per_token if sft else 0.0

    total = _over_pairs(losses_n, real_n) + nll_weighted
    weight = real_n.sum().astype(jnp.float32)
    parts = {"loss": total, **_metrics(policy, reference, objective, real_n)}
    if sft:
        parts["nll_loss"] = nll * pairs_per_token
    if objective.loss == "kto":
        parts["kl"] = kl * weight
    return Sums(total=total, weight=weight, parts=jax.lax.stop_gradient(parts))


def _over_pairs(values_n: jax.Array, real_n: jax.Array) -> jax.Array:
    return jnp.where(real_n, values_n, 0.0).sum()


def _metrics(policy: Answers, reference: Answers, objective: Preference, real_n: jax.Array) -> dict[str, jax.Array]:
    """Return rewards and log-probabilities, summed over pairs."""
    rewards = Answers(*(objective.beta * (ours - theirs) for ours, theirs in zip(policy, reference, strict=True)))
    values = {
        "rewards/chosen": rewards.chosen,
        "rewards/rejected": rewards.rejected,
        "rewards/margins": rewards.chosen - rewards.rejected,
        "rewards/accuracies": 1.0 * (rewards.chosen > rewards.rejected),
        "logps/chosen": policy.chosen,
        "logps/rejected": policy.rejected,
        "logps/accuracies": 1.0 * (policy.chosen > policy.rejected),
    }
    return {name: _over_pairs(value_n, real_n) for name, value_n in values.items()}


def losses(
    policy: Answers, reference: Answers, objective: Preference, real_n: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The loss of each pair, float32[N], without the term of `sft`; and KTO's estimate of the divergence, float32[], else 0.

    Rafailov et al. 2023, equation 7 (with label smoothing as in Mitchell 2023); Azar et al. 2024, equation 17; Zhao et al. 2023;
    Hong et al. 2024, equations 6 and 7; Meng et al. 2024, equation 6; Ethayarajh et al. 2024, equation 8, half of it for each answer.

    Args:
        policy: log-probabilities by the model, sums or means over tokens.
        reference: the same by the reference; zeros without one.
        objective: which loss, and its constants.
        real_n: bool[N], which pairs are there.
    """
    ratios = Answers(*(mine - theirs for mine, theirs in zip(policy, reference, strict=True)))
    beta, difference = objective.beta, ratios.chosen - ratios.rejected
    none = jnp.zeros(())
    match objective.loss:
        case "sigmoid":
            return _logistic(beta * difference, objective.label_smoothing), none
        case "simpo":
            return _logistic(beta * difference - objective.margin, objective.label_smoothing), none
        case "hinge":
            return jax.nn.relu(1 - beta * difference), none
        case "ipo":
            return jnp.square(difference - 1 / (2 * beta)), none
        case "orpo":
            log_odds = difference - (jax.nn.log1mexp(-policy.chosen) - jax.nn.log1mexp(-policy.rejected))
            return -beta * jax.nn.log_sigmoid(log_odds), none
        case "kto":
            mean = jnp.where(real_n, ratios.mismatched, 0.0).sum() / jnp.maximum(real_n.sum(), 1)
            kl = jax.lax.stop_gradient(jnp.maximum(mean, 0.0))
            desirable = objective.desirable * (1 - jax.nn.sigmoid(beta * (ratios.chosen - kl)))
            undesirable = objective.undesirable * (1 - jax.nn.sigmoid(beta * (kl - ratios.rejected)))
            return (desirable + undesirable) / 2, kl


def _logistic(margins: jax.Array, smoothing: float) -> jax.Array:
    return -(1 - smoothing) * jax.nn.log_sigmoid(margins) - smoothing * jax.nn.log_sigmoid(-margins)


def pairs_per_token(batch: Batch[jax.Array]) -> jax.Array:
    """Pairs in batches [..., B, T] over the tokens of their chosen answers, float32[]."""
    assert batch.pair_ids is not None
    return batch.pair_ids.max(-1).sum() / jnp.maximum(jnp.sum(batch.loss_weights * (batch.sides == 1)), 1)


def pairs_at_first_token(batch: Batch[jax.Array]) -> jax.Array:
    """float32[B, T]: 1 at the first token of each pair, so that its sums are numbers of pairs."""
    return ((batch.positions == 0) & (batch.sides == 1)).astype(jnp.float32)


def _by_pair(values_bt: jax.Array, batch: Batch[jax.Array]) -> Answers:
    """Sums over the tokens of each answer, for as many pairs as could be; 0 of those that are not there.

    Every token is compared with every place, which adds up in the same order each time, unlike a scatter on a GPU.
    """
    assert batch.pair_ids is not None and batch.sides is not None
    places = values_bt.shape[1] // 2
    place_bt = (batch.pair_ids - 1) * _SIDES + batch.sides - 1
    here = place_bt[:, :, None] == jnp.arange(places * _SIDES)
    sums = jnp.where(here, values_bt[:, :, None], 0.0).sum(1).reshape(-1, _SIDES)
    return Answers(*sums.T)
