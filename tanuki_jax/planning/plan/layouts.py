"""All layouts of an experiment on a number of devices, and why most of them are not worth compiling."""

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args, get_type_hints

from jax.sharding import AbstractMesh

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment, Layout
from tanuki_jax.config.validate import validate
from tanuki_jax.lm.parallel.mesh import AXES
from tanuki_jax.lm.parallel.pipeline import bubble
from tanuki_jax.lm.parallel.sharding import ROWS, SHARED, check_batch
from tanuki_jax.planning.plan.estimate import Estimate, State, estimate, size_over, state_bytes
from tanuki_jax.planning.plan.lowered_step import rows_of_device
from tanuki_jax.planning.plan.plan_results import GIB, Plan
from tanuki_jax.planning.plan.target import Target

MAX_BUBBLE = 0.25
"""Largest share of a step for which pipeline stages may be idle."""
MIN_TOKENS = 512
"""Fewest tokens of a row on each device of the axis `context`."""
MICROBATCHES = (1, 2, 4)
"""Micro-batches of a pipeline, as multiples of its stages."""
INTERLEAVE = (1, 2)

type Verdict = Literal[
    "divide", "nodes", "short", "split", "rule", "idle", "memory", "slow", "open", "failed", "does not fit", "fits"
]

MEANING: dict[Verdict, str] = {
    "divide": "meshes do not divide the model or the batch",
    "nodes": "meshes have a tensor axis that spans several nodes",
    "short": f"meshes leave a device fewer than {MIN_TOKENS} tokens of a row",
    "split": "layouts split rows over context although a device has several rows",
    "rule": "layouts violate a rule of configs",
    "idle": f"layouts have pipeline stages that are idle for more than {MAX_BUBBLE:.0%} of a step",
    "memory": "layouts exceed the memory by parameters, optimizer, gradients and kept activations alone",
    "slow": "layouts are slower by the estimate than those that were planned",
    "open": "layouts were not planned yet",
    "failed": "layouts could not be planned",
    "does not fit": "layouts were planned and do not fit",
    "fits": "layouts were planned and fit",
}
"""Verdicts on candidates, in the order in which they are decided."""
OF_MESHES: tuple[Verdict, ...] = ("divide", "nodes", "short")
"""Verdicts on a mesh, which apply to all its layouts."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Candidate:
    """A layout, and what is known of it so far."""

    layout: Layout
    """The layout; if its mesh is refused, only the mesh axes are meaningful."""
    verdict: Verdict = "open"
    reason: str = ""
    """Reason why the layout does not fit or was not planned."""
    estimate: Estimate | None = None
    plan: Plan | None = None

    @property
    def expected(self) -> float:
        """Estimated seconds of a step; infinite without an estimate."""
        return self.estimate.seconds if self.estimate else math.inf


def candidates(experiment: Experiment, target: Target) -> list[Candidate]:
    """Return all layouts on the target's devices with their verdicts; a refused mesh is one candidate.

    Model and rows of a step stay the same. Of the layout, mesh, `zero`, micro-batches and `remat` vary.
    """
    judged = []
    for mesh in meshes(experiment, target.count):
        refused = _refuse(experiment, mesh, target)
        if refused is not None:
            judged.append(refused)
            continue
        state = state_bytes(dataclasses.replace(experiment, layout=mesh))
        judged += [
            judge(dataclasses.replace(experiment, layout=layout), target, state) for layout in layouts(experiment, mesh)
        ]
    return judged


def meshes(experiment: Experiment, devices: int) -> Iterator[Layout]:
    """Yield every factorisation of the devices over the mesh axes; `expert` is above 1 for mixtures only."""
    axes = [axis for axis in AXES if axis != "expert" or experiment.model.experts]
    for sizes in factorisations(devices, len(axes)):
        mesh: dict[str, Any] = dict.fromkeys(AXES, 1) | dict(zip(axes, sizes, strict=True))
        yield dataclasses.replace(experiment.layout, **mesh, accumulation=1, microbatches=mesh["stage"], interleave=1)


def factorisations(number: int, factors: int) -> Iterator[tuple[int, ...]]:
    """Yield every ordered way to write a number as a product of so many factors."""
    if factors == 1:
        yield (number,)
        return
    for first in (size for size in range(1, number + 1) if number % size == 0):
        for others in factorisations(number // first, factors - 1):
            yield first, *others


def _refuse(experiment: Experiment, mesh: Layout, target: Target) -> Candidate | None:
    """Return a refused candidate if no layout of a mesh can be used, else None."""
    local = experiment.data.sequence_length // mesh.context
    if target.per_node % mesh.tensor:
        reason = f"layout.tensor ({mesh.tensor}) does not divide the {target.per_node} devices of a node"
        return Candidate(layout=mesh, verdict="nodes", reason=reason)
    if mesh.context > 1 and local < MIN_TOKENS:
        reason = f"layout.context ({mesh.context}) leaves a device {local} tokens of a row, fewer than {MIN_TOKENS}"
        return Candidate(layout=mesh, verdict="short", reason=reason)
    try:
        _check_divides(experiment, mesh)
    except InputError as error:
        return Candidate(layout=mesh, verdict="divide", reason=str(error))
    return None


def _check_divides(experiment: Experiment, mesh: Layout) -> None:
    """Raise InputError if the mesh does not divide the parameters, the rows of a step or their length."""
    if experiment.model.layers % mesh.stage:
        raise InputError(f"layout.stage ({mesh.stage}) must divide model.layers ({experiment.model.layers})")
    if experiment.model.experts % mesh.expert:
        raise InputError(f"layout.expert ({mesh.expert}) must divide model.experts ({experiment.model.experts})")
    sizes: Any = AbstractMesh(tuple(getattr(mesh, axis) for axis in AXES), AXES)
    check_batch(sizes, mesh, experiment.data)
    state_bytes(dataclasses.replace(experiment, layout=mesh))


def layouts(experiment: Experiment, mesh: Layout) -> Iterator[Layout]:
    """Yield the layouts of a mesh: micro-batches of 1, 2, 4, ... rows on each device, every `zero` and policy."""
    policies: tuple[Any, ...] = get_args(get_type_hints(Layout)["remat"])
    zeros: tuple[Literal[1, 3], ...] = (1, 3) if size_over(mesh, SHARED) > 1 else (3,)
    device_rows = experiment.data.batch_rows // size_over(mesh, ROWS)
    for multiple in MICROBATCHES if mesh.stage > 1 else (1,):
        for interleave in INTERLEAVE if mesh.stage > 1 else (1,):
            micro = multiple * mesh.stage
            for rows in (1 << power for power in range(device_rows.bit_length())):
                if device_rows % (micro * rows):
                    continue
                accumulation = device_rows // (micro * rows)
                for zero in zeros:
                    for policy in policies:
                        yield dataclasses.replace(
                            mesh,
                            accumulation=accumulation,
                            microbatches=micro,
                            interleave=interleave,
                            zero=zero,
                            remat=policy,
                        )


def judge(experiment: Experiment, target: Target, state: State) -> Candidate:
    """Return the layout of an experiment as a candidate: open with an estimate, or refused with a reason."""
    layout = experiment.layout
    try:
        validate(experiment)
    except InputError as error:
        return Candidate(layout=layout, verdict="rule", reason=str(error))
    rows = rows_of_device(experiment, size_over(layout, ROWS))
    if layout.context > 1 and rows > 1:
        reason = f"a device has {rows} rows of a micro-batch; more replicas with fewer rows need no layout.context"
        return Candidate(layout=layout, verdict="split", reason=reason)
    if bubble(layout) > MAX_BUBBLE:
        return Candidate(layout=layout, verdict="idle", reason=f"stages are idle for {bubble(layout):.0%} of a step")
    estimated = estimate(experiment, target, state)
    usable = target.hardware.memory_bytes * (1 - target.hardware.margin_share)
    if estimated.bytes > usable:
        reason = f"needs at least {estimated.bytes / GIB:.1f} GiB, of which {usable / GIB:.1f} GiB are usable"
        return Candidate(layout=layout, verdict="memory", reason=reason, estimate=estimated)
    return Candidate(layout=layout, estimate=estimated)


def choose(judged: Sequence[Candidate], number: int) -> list[Candidate]:
    """Return the candidates with the `number` fastest open ones, by the estimate, still open and the others `slow`.

    One mesh with one `zero` gets at most a tenth of the number (at least two), unless nothing else is left: the
    estimate is least certain about the time of exchanges, which depends on these two.
    """
    ranked = sorted(
        (index for index, candidate in enumerate(judged) if candidate.verdict == "open"),
        key=lambda index: judged[index].expected,
    )
    taken: Counter[tuple[int, ...]] = Counter()
    first: list[int] = []
    later: list[int] = []
    for index in ranked:
        layout = judged[index].layout
        group = (*(getattr(layout, axis) for axis in AXES), layout.zero)
        (first if taken[group] < max(2, number // 10) else later).append(index)
        taken[group] += 1
    chosen = set([*first, *later][:number])
    return [
        candidate
        if index in chosen or candidate.verdict != "open"
        else dataclasses.replace(candidate, verdict="slow", reason=MEANING["slow"])
        for index, candidate in enumerate(judged)
    ]
