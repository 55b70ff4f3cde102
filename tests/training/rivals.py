"""Others' rules for skipping bad steps, written anew from their published sources, beside ours under the same faults.

python -m tests.training.rivals writes benchmarks/guards.json.

- OLMo-core's `SkipStepOptimizer` (olmo_core/optim/skip_step_optimizer.py): a step is skipped whose loss or gradient norm is more than six
  standard deviations above the mean of the last 128, skipped ones included; never before 64 steps. Skipping multiplies the update by 0.
- Levanter's `SkipStepConfig` (levanter/optim/skipstep.py): the same, but NaNs of the window are left out of mean and deviation, and
  skipping selects.
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
    """Says of each step in turn whether it is applied."""

    def __call__(self, loss: float, norm: float) -> bool: ...


def healthy(steps: int, seed: int = 0) -> list[tuple[float, float]]:
    """Losses that fall from 4 towards 2, and gradient norms around 1, some of them three times as large."""
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
"""Each rule, and whether skipping selects; else it multiplies the update by 0."""

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
"""What loss and gradient norm become, and in which steps."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a rule did in the face of a fault."""

    bad_applied: int
    healthy_skipped: int
    parameters_survive: bool


def outcome(
    rule: Rule, *, selects: bool, fault: tuple[float, float], places: Sequence[int], large: int = -1
) -> Outcome:
    """Runs a rule over healthy steps with faults in some; `large` is a step with a larger one before. A parameter is updated by its
    gradient as the rule has it."""
    steps = healthy(STEPS)
    for place in places:
        steps[place] = fault
    if large >= 0:
        steps[large] = (8.0, 50.0)
    bad = {*places, large}
    parameter, applied, skipped = 1.0, 0, 0
    for place, (loss, norm) in enumerate(steps):
        accepted = rule(loss, norm)
        applied += accepted and place in bad
        skipped += not accepted and place not in bad
        if accepted or not selects:
            parameter -= float(accepted) * 1e-3 * norm
    return Outcome(applied, skipped, bool(np.isfinite(parameter)))


def outcomes() -> dict[str, dict[str, Outcome]]:
    """By fault and by rule."""
    found = {}
    with np.errstate(all="ignore"):
        for name, (fault, places) in FAULTS.items():
            large = 200 if "after a large one" in name else -1
            found[name] = {
                who: outcome(make(), selects=selects, fault=fault, places=places, large=large)
                for who, (make, selects) in RULES.items()
            }
    return found


def table(found: dict[str, dict[str, Outcome]]) -> list[str]:
    """Return the lines of the table in docs/operations.md."""
    lines = [f"| fault in {STEPS} steps | {' | '.join(RULES)} |", "|---|" + "---|" * len(RULES)]
    for fault, rules in found.items():
        cells = []
        for each in rules.values():
            said = [f"{each.bad_applied} bad"] if each.bad_applied else []
            said += [f"{each.healthy_skipped} healthy"] if each.healthy_skipped else []
            said += [] if each.parameters_survive else ["**lost**"]
            cells.append(", ".join(said) or ("exactly those" if FAULTS[fault][1] else "none skipped"))
        lines.append(f"| {fault} | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    all_found = outcomes()
    plain = {
        fault: {who: dataclasses.asdict(each) for who, each in rules.items()} for fault, rules in all_found.items()
    }
    RESULT.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    print("\n".join(table(all_found)))
