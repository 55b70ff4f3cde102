"""Every way to lay an experiment out on a number of devices, and why most of them are not worth compiling."""

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

MOST_BUBBLE = 0.25
"""Share of a step that a pipeline's stages may idle."""
LEAST_TOKENS = 512
"""Tokens of a row that each device of `context` has at the least."""
MICROBATCHES = (1, 2, 4)
"""Micro-batches of a pipeline, in multiples of its stages."""
INTERLEAVE = (1, 2)

type Verdict = Literal[
    "divide", "nodes", "short", "split", "rule", "idle", "memory", "slow", "open", "failed", "does not fit", "fits"
]

MEANING: dict[Verdict, str] = {
    "divide": "meshes do not divide the model or the batch",
    "nodes": "meshes have a tensor axis that leaves the node",
    "short": f"meshes leave a device less than {LEAST_TOKENS} tokens of a row",
    "split": "layouts split rows over context where each device has several",
    "rule": "layouts break a rule of configs",
    "idle": f"layouts have stages that idle for more than {MOST_BUBBLE:.0%} of a step",
    "memory": "layouts are too large by their parameters, optimizer, gradients and kept activations alone",
    "slow": "layouts are slower by the estimate than those that were planned",
    "open": "layouts were yet to be planned",
    "failed": "layouts could not be planned",
    "does not fit": "layouts were planned and do not fit",
    "fits": "layouts were planned and fit",
}
"""What became of candidates, in the order in which it is found out."""
OF_MESHES: tuple[Verdict, ...] = ("divide", "nodes", "short")
"""Verdicts on all layouts of a mesh together."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Candidate:
    """A layout, and what is known of it so far."""

    layout: Layout
    """Of a refused mesh only the axes mean anything."""
    verdict: Verdict = "open"
    reason: str = ""
    """A sentence, for all that do not fit or were not planned."""
    estimate: Estimate | None = None
    plan: Plan | None = None

    @property
    def expected(self) -> float:
        """Seconds of a step by the estimate; infinite where there is none."""
        return self.estimate.seconds if self.estimate else math.inf


def candidates(experiment: Experiment, target: Target) -> list[Candidate]:
    """All meshes of the target's devices: each with its layouts and their verdicts, or with the reason why it has none.

    The model and the rows of a step stay, and so does what the config's layout says beyond the mesh, `zero`, the micro-batches and
    `remat`.
    """
    found = []
    for mesh in meshes(experiment, target.count):
        refused = _refuse(experiment, mesh, target)
        if refused is not None:
            found.append(refused)
            continue
        state = state_bytes(dataclasses.replace(experiment, layout=mesh))
        found += [
            judge(dataclasses.replace(experiment, layout=layout), target, state) for layout in layouts(experiment, mesh)
        ]
    return found


def meshes(experiment: Experiment, devices: int) -> Iterator[Layout]:
    """Every factorisation of the devices over the mesh's axes, `expert` only for a mixture; with the fewest micro-batches there are."""
    axes = [axis for axis in AXES if axis != "expert" or experiment.model.experts]
    for sizes in factorisations(devices, len(axes)):
        mesh: dict[str, Any] = dict.fromkeys(AXES, 1) | dict(zip(axes, sizes, strict=True))
        yield dataclasses.replace(experiment.layout, **mesh, accumulation=1, microbatches=mesh["stage"], interleave=1)


def factorisations(number: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Every way to write a number as a product of so many factors, their order counted."""
    if parts == 1:
        yield (number,)
        return
    for first in (size for size in range(1, number + 1) if number % size == 0):
        for others in factorisations(number // first, parts - 1):
            yield first, *others


def _refuse(experiment: Experiment, mesh: Layout, target: Target) -> Candidate | None:
    """Why no layout of a mesh is worth a look; None if some may be."""
    local = experiment.data.sequence_length // mesh.context
    if target.per_node % mesh.tensor:
        reason = f"layout.tensor ({mesh.tensor}) does not divide the {target.per_node} devices of a node, whose links it needs"
        return Candidate(layout=mesh, verdict="nodes", reason=reason)
    if mesh.context > 1 and local < LEAST_TOKENS:
        reason = f"layout.context ({mesh.context}) leaves a device {local} tokens of a row, less than {LEAST_TOKENS}"
        return Candidate(layout=mesh, verdict="short", reason=reason)
    try:
        _check_divides(experiment, mesh)
    except InputError as error:
        return Candidate(layout=mesh, verdict="divide", reason=str(error))
    return None


def _check_divides(experiment: Experiment, mesh: Layout) -> None:
    """InputError if the mesh does not divide the parameters, the rows of a step or their length."""
    if experiment.model.layers % mesh.stage:
        raise InputError(f"layout.stage ({mesh.stage}) must divide model.layers ({experiment.model.layers})")
    if experiment.model.experts % mesh.expert:
        raise InputError(f"layout.expert ({mesh.expert}) must divide model.experts ({experiment.model.experts})")
    sizes: Any = AbstractMesh(tuple(getattr(mesh, axis) for axis in AXES), AXES)
    check_batch(sizes, mesh, experiment.data)
    state_bytes(dataclasses.replace(experiment, layout=mesh))


def layouts(experiment: Experiment, mesh: Layout) -> Iterator[Layout]:
    """The layouts of a mesh: micro-batches of 1, 2, 4, ... rows on each device, as many as the rows of a step ask for."""
    policies: tuple[Any, ...] = get_args(get_type_hints(Layout)["remat"])
    zeros: tuple[Literal[1, 3], ...] = (1, 3) if size_over(mesh, SHARED) > 1 else (3,)
    of_device = experiment.data.batch_rows // size_over(mesh, ROWS)
    for multiple in MICROBATCHES if mesh.stage > 1 else (1,):
        for interleave in INTERLEAVE if mesh.stage > 1 else (1,):
            micro = multiple * mesh.stage
            for rows in (1 << power for power in range(of_device.bit_length())):
                if of_device % (micro * rows):
                    continue
                accumulation = of_device // (micro * rows)
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
    """The layout of an experiment with its estimate, or with the reason why it is not worth compiling."""
    layout = experiment.layout
    try:
        validate(experiment)
    except InputError as error:
        return Candidate(layout=layout, verdict="rule", reason=str(error))
    rows = rows_of_device(experiment, size_over(layout, ROWS))
    if layout.context > 1 and rows > 1:
        reason = f"a device has {rows} rows of a micro-batch: fewer of them, and more replicas, need no layout.context"
        return Candidate(layout=layout, verdict="split", reason=reason)
    if bubble(layout) > MOST_BUBBLE:
        return Candidate(layout=layout, verdict="idle", reason=f"stages idle for {bubble(layout):.0%} of a step")
    guess, usable = (
        estimate(experiment, target, state),
        target.hardware.memory_bytes * (1 - target.hardware.margin_share),
    )
    if guess.bytes > usable:
        reason = f"needs {guess.bytes / GIB:.1f} GiB at the least, and may use {usable / GIB:.1f} GiB"
        return Candidate(layout=layout, verdict="memory", reason=reason, estimate=guess)
    return Candidate(layout=layout, estimate=guess)


def choose(found: Sequence[Candidate], number: int) -> list[Candidate]:
    """The candidates with a verdict for all but `number` of the open ones: those that are fast by the estimate.

    Of one mesh with one `zero` there are at most a tenth of them, and two, as long as there are others: the estimate knows less of the
    time that its exchanges take than of all else.
    """
    ranked = sorted(
        (place for place, candidate in enumerate(found) if candidate.verdict == "open"),
        key=lambda place: found[place].expected,
    )
    taken: Counter[tuple[int, ...]] = Counter()
    first: list[int] = []
    later: list[int] = []
    for place in ranked:
        layout = found[place].layout
        group = (*(getattr(layout, axis) for axis in AXES), layout.zero)
        (first if taken[group] < max(2, number // 10) else later).append(place)
        taken[group] += 1
    chosen = set([*first, *later][:number])
    return [
        candidate
        if place in chosen or candidate.verdict != "open"
        else dataclasses.replace(candidate, verdict="slow", reason=MEANING["slow"])
        for place, candidate in enumerate(found)
    ]
