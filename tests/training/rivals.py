"""Other projects' rules for skipping bad steps, rewritten from their sources, compared with ours under equal faults.

python -m tests.training.rivals writes benchmarks/guards.json.

- OLMo-core's `SkipStepOptimizer` (olmo_core/optim/skip_step_optimizer.py): a step is skipped whose loss or gradient
  norm is more than six standard deviations above the mean of the last 128, skipped ones included; never before 64
  steps. Skipping multiplies the update by 0.
- Levanter's `SkipStepConfig` (levanter/optim/skipstep.py): the same, but NaNs of the window are left out of mean and
  deviation, and skipping selects.
"""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np

from tanuki_jax.config.experiment import Guard
from tanuki_jax.training.guard import judge, remember, window

RESULT = Path(__file__).parents[2] / "benchmarks" / "guards.json"
STEPS, WINDOW, SIGMAS = 600, 128, 6.0


class Rule(Protocol):
    """Rule that is called with each step in turn and returns whether it is applied."""

    def __call__(self, loss: float, norm: float) -> bool: ...


def healthy(steps: int, seed: int = 0) -> list[tuple[float, float]]:
    """Return losses that fall from 4 towards 2, and gradient norms around 1, some of them three times as large."""
    random = np.random.default_rng(seed)
    losses = 2 + 2 / (1 + np.arange(steps) / 50) + random.normal(0, 0.05, steps)
    norms = np.exp(random.normal(0, 0.2, steps)) * np.where(random.random(steps) < 0.02, 3, 1)
    return list(zip(losses.tolist(), norms.tolist(), strict=True))


def ours() -> Rule:
    guard, known = Guard(), jax.tree.map(jnp.asarray, window(WINDOW))
    one = jax.jit(lambda known, loss, norm: (judge(known, loss, norm, guard)[0], remember(known, loss, norm)))

    def rule(loss: float, norm: float) -> bool:
        nonlocal known
        accepted, after = one(known, jnp.float32(loss), jnp.float32(norm))
        known = after if accepted else known
        return bool(accepted)

    return rule


def olmo() -> Rule:
    losses: list[float] = []
    norms: list[float] = []

    def rule(loss: float, norm: float) -> bool:
        for values, value in ((losses, loss), (norms, norm)):
            values.append(value)
            del values[: -WINDOW - 1]
        if len(losses) < max(20, WINDOW // 2):
            return True
        return all(
            values[-1] - np.mean(values[:-1]) <= SIGMAS * np.std(values[:-1], ddof=1) for values in (losses, norms)
        )

    return rule


def levanter() -> Rule:
    losses: list[float] = []
    norms: list[float] = []

    def usual(values: Sequence[float], value: float) -> bool:
        mean, deviation = np.nan_to_num(np.nanmean(values), nan=0.0), np.maximum(np.nanstd(values), 1e-6)
        return bool(value <= mean + SIGMAS * np.nan_to_num(deviation, nan=1e-6, posinf=1e-6, neginf=1e-6))

    def rule(loss: float, norm: float) -> bool:
        applied = len(losses) < WINDOW // 2 or (usual(losses, loss) and usual(norms, norm))
        for values, value in ((losses, loss), (norms, norm)):
            values.append(value)
            del values[: -WINDOW - 1]
        return applied

    return rule


RULES: dict[str, tuple[Callable[[], Rule], bool]] = {
    "tanuki_jax": (ours, True),
    "OLMo-core": (olmo, False),
    "Levanter": (levanter, True),
}
"""Name -> (rule, whether skipping selects the old state rather than multiplying the update by 0)."""

NAN, INF = float("nan"), float("inf")
FAULTS: dict[str, tuple[tuple[float, float], Sequence[int]]] = {
    "none": ((NAN, NAN), []),
    "NaN, once": ((NAN, NAN), [200]),
    "NaN, five in a row": ((NAN, NAN), range(200, 205)),
    "NaN in the warm-up": ((NAN, NAN), [20]),
    "infinite gradient, once": ((2.6, INF), [200]),
    "spike, once": ((8.0, 50.0), [200]),
    "spike, five in a row": ((8.0, 50.0), range(200, 205)),
    "spike, thirty in a row": ((8.0, 50.0), range(200, 230)),
    "spike, again 20 steps later": ((8.0, 50.0), [200, 220]),
    "spike of half the size after a large one": ((4.0, 8.0), [220]),
}
"""Name of a fault -> ((loss, gradient norm) of the faulty steps, indices of those steps)."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Result of a rule under a fault."""

    bad_applied: int
    healthy_skipped: int
    parameters_survive: bool


def outcome(
    rule: Rule, *, selects: bool, fault: tuple[float, float], faulty: Sequence[int], large: int = -1
) -> Outcome:
    """Run a rule over healthy steps, some of which are faulty, and update a parameter by its gradient as the rule
    decides.

    `large`: index of an earlier step with a larger fault; -1: none.
    """
    steps = healthy(STEPS)
    for index in faulty:
        steps[index] = fault
    if large >= 0:
        steps[large] = (8.0, 50.0)
    bad = {*faulty, large}
    parameter, applied, skipped = 1.0, 0, 0
    for index, (loss, norm) in enumerate(steps):
        accepted = rule(loss, norm)
        applied += accepted and index in bad
        skipped += not accepted and index not in bad
        if accepted or not selects:
            parameter -= float(accepted) * 1e-3 * norm
    return Outcome(applied, skipped, bool(np.isfinite(parameter)))


def outcomes() -> dict[str, dict[str, Outcome]]:
    """Return all outcomes by fault and by rule."""
    results = {}
    with np.errstate(all="ignore"):
        for name, (fault, faulty) in FAULTS.items():
            large = 200 if "after a large one" in name else -1
            results[name] = {
                who: outcome(make(), selects=selects, fault=fault, faulty=faulty, large=large)
                for who, (make, selects) in RULES.items()
            }
    return results


def table(results: dict[str, dict[str, Outcome]]) -> list[str]:
    """Return the lines of the table in docs/operations.md."""
    lines = [f"| fault in {STEPS} steps | {' | '.join(RULES)} |", "|---|" + "---|" * len(RULES)]
    for fault, rules in results.items():
        cells = []
        for each in rules.values():
            parts = [f"{each.bad_applied} bad"] if each.bad_applied else []
            parts += [f"{each.healthy_skipped} healthy"] if each.healthy_skipped else []
            parts += [] if each.parameters_survive else ["**lost**"]
            cells.append(", ".join(parts) or ("exactly those" if FAULTS[fault][1] else "none skipped"))
        lines.append(f"| {fault} | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    all_results = outcomes()
    plain = {
        fault: {who: dataclasses.asdict(each) for who, each in rules.items()} for fault, rules in all_results.items()
    }
    RESULT.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    print("\n".join(table(all_results)))
