"""Whole training steps of a model too heavy for this machine: timed at one depth, or at two and extrapolated to all layers."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any, get_args, get_type_hints

import jax
import numpy as np

from tanuki_jax.config.experiment import Experiment, Layout, NextToken
from tanuki_jax.config.hardware import peak_flops
from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import BATCH, shardings
from tanuki_jax.planning.bench import document_rows as documents
from tanuki_jax.planning.bench.bench_results import Figures, Measurement, Result, Wrong
from tanuki_jax.planning.bench.correctness import relative
from tanuki_jax.planning.bench.timed_program import device_peak, memory, raised_peak
from tanuki_jax.planning.bench.timing import Timing, clock
from tanuki_jax.training.loss import flops_per_token
from tanuki_jax.training.step import TrainState, initial_state, make_step

BENCHMARK = "step"
POLICIES: tuple[str, ...] = get_args(get_type_hints(Layout)["remat"])
"""Every named rematerialisation policy."""
TOKENS, TOKENS_OF_ADAPTERS = 32_768, 16_384
"""Tokens of a step where no rows are given; adapters are measured with all layers of a model, which keep more of each token."""
CHECKED = ("loss", "gradient_norm")
TOLERANCE = 0.02
"""Largest relative difference of those metrics of the first step from the ones with attention in plain JAX."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """One step of `rows` packed rows on one device, with a model of `layers` layers."""

    experiment: Experiment
    document: int
    """Mean tokens of a document."""
    rows: int
    layers: int
    policy: str
    """One of `policies`."""

    @property
    def name(self) -> str:
        return f"{self._before}, {self.layers} layers"

    @property
    def whole(self) -> str:
        """Name of what is extrapolated."""
        return f"{self._before}, {self.experiment.model.layers} layers extrapolated"

    @property
    def _before(self) -> str:
        return f"{self.experiment.name}, {self.rows} x {self.experiment.data.sequence_length} packed"

    @property
    def tokens(self) -> int:
        return self.rows * self.experiment.data.sequence_length

    def at_depth(self, **layout: Any) -> Experiment:
        """The experiment with this many layers on one device, in one micro-batch."""
        whole = self.experiment
        return dataclasses.replace(
            whole,
            model=dataclasses.replace(whole.model, layers=self.layers),
            data=dataclasses.replace(whole.data, batch_rows=self.rows),
            layout=dataclasses.replace(whole.layout, data=1, fsdp=1, expert=1, tensor=1, accumulation=1, **layout),
        )

    def under_policy(self) -> Experiment:
        """The same under its policy: the config's own keeps what the config says, a named one nothing beside."""
        return self.at_depth() if self.policy not in POLICIES else self.at_depth(remat=self.policy, save=(), offload=())


def policies(layout: Layout, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """Those that are wanted, the config's `own` in words; none: all that have a name, after the config's own if it is another."""
    kept = [
        f"{verb} {', '.join(names)}" for verb, names in (("save", layout.save), ("offload", layout.offload)) if names
    ]
    own = ", ".join([layout.remat, *kept])
    chosen = wanted or (*(["own"] if kept else []), *POLICIES)
    return tuple(dict.fromkeys(own if policy == "own" else policy for policy in chosen))


def rows_of(experiment: Experiment) -> int:
    """Rows of a step where none are given."""
    return max(1, (TOKENS_OF_ADAPTERS if experiment.lora.rank else TOKENS) // experiment.data.sequence_length)


def measurements(
    experiment: Experiment, layers: Sequence[int], rows: Sequence[int], document: int, wanted: Sequence[str] = ()
) -> Iterator[Measurement]:
    """Of every number of rows, depth and policy of `policies`."""
    for count in rows:
        for depth in layers:
            for policy in policies(experiment.layout, wanted):
                case = Case(experiment=experiment, document=document, rows=count, layers=depth, policy=policy)
                yield Measurement(
                    BENCHMARK, case.name, f"remat {policy}", functools.partial(_measure, case), count == rows[0]
                )


def _measure(case: Case, seconds: float) -> Figures:
    experiment = case.under_policy()
    expected = _first_metrics(dataclasses.replace(case, policy="full"))
    before = device_peak()
    step, state, batch = _start(case, experiment)
    compiled = step.lower(state, batch).compile()
    state, metrics = compiled(state, batch)
    error = _error(metrics, expected)

    def run() -> Any:
        nonlocal state
        state, metrics = compiled(state, batch)
        return metrics

    timing = clock(run, seconds)
    flops = case.tokens * flops_per_token(experiment)
    held = memory(compiled) | {"device_peak_bytes": raised_peak(before)}
    return Figures(
        timing=timing,
        flops=flops,
        tokens=case.tokens,
        error=error,
        notes=_rates(case.tokens, timing.median, flops),
        **held,
    )


def _rates(tokens: int, seconds: float, flops: float) -> dict[str, float | str]:
    """Tokens a second, FLOPs a token, and the share of the vendor's peak (MFU) that they amount to, where the device's is known."""
    rates: dict[str, float | str] = {"tokens/s": tokens / seconds, "FLOPs/token": flops / tokens}
    peak = peak_flops(jax.devices()[0].device_kind)
    return rates | ({"MFU": flops / seconds / peak} if peak else {})


def _start(case: Case, experiment: Experiment) -> tuple[Any, TrainState, Batch[jax.Array]]:
    mesh = make_mesh(experiment.layout, jax.devices()[:1])
    placed = shardings(mesh, jax.eval_shape(lambda: initial_state(experiment)))
    state = jax.jit(lambda: initial_state(experiment), out_shardings=placed)()
    batch = jax.device_put(_batch(case), jax.sharding.NamedSharding(mesh, BATCH))
    return make_step(experiment, mesh), state, batch


def _batch(case: Case) -> Batch[Any]:
    """Random tokens [1, rows, T] in documents of exponentially distributed lengths, for pairs two by two, all of whose targets count."""
    time = case.experiment.data.sequence_length
    lengths = documents.exponential(case.rows, time, case.document)
    tokens, targets = np.random.default_rng(0).integers(
        0, case.experiment.model.vocabulary, (2, 1, case.rows, time), np.int32
    )
    ids, positions = documents.segment_ids(lengths)[None], documents.positions(lengths)[None]
    batch = Batch(tokens, targets, np.ones(tokens.shape, np.float32), ids, positions)
    if isinstance(case.experiment.objective, NextToken):
        return batch
    return batch._replace(pair_ids=(ids + 1) // 2, sides=(ids - 1) % 2 + 1)


@functools.lru_cache(maxsize=1)
def _first_metrics(case: Case) -> dict[str, float]:
    """What is checked of the first step, with attention in plain JAX."""
    step, state, batch = _start(case, case.at_depth(remat="full", save=(), offload=(), attention="chunked"))
    _, metrics = step(state, batch)
    return {name: float(metrics[name]) for name in CHECKED}


def _error(metrics: Any, expected: dict[str, float]) -> float:
    """Raises Wrong where loss or gradient norm are not those expected."""
    worst = 0.0
    for name in CHECKED:
        error = relative(float(metrics[name]), expected[name])
        if not error <= TOLERANCE:
            raise Wrong(f"{name} of the first step is {float(metrics[name]):.6g}, not {expected[name]:.6g}")
        worst = max(worst, error)
    return worst


def extrapolate(shallow: Timing, deep: Timing, depths: tuple[int, int], layers: int) -> Timing:
    """The step's time at `layers` layers, a straight line through two depths.

    Low and high are the lines through the ends that make them least and most.
    """

    def line(at_shallow: float, at_deep: float) -> float:
        a_layer = (at_deep - at_shallow) / (depths[1] - depths[0])
        return at_shallow + a_layer * (layers - depths[0])

    median = line(shallow.median, deep.median)
    return Timing(median, line(shallow.high, deep.low), line(shallow.low, deep.high), min(shallow.runs, deep.runs))


def extrapolated(
    results: Sequence[Result], experiment: Experiment, layers: Sequence[int], rows: Sequence[int]
) -> list[Result]:
    """A result at full depth for every policy and number of rows that was measured at both depths, if there are two."""
    if len(layers) < 2:
        return []
    depths = (layers[0], layers[1])
    measured = {(result.case, result.variant): result for result in results if result.figures}
    found = []
    for count in rows:
        for policy in policies(experiment.layout):
            ends = [
                Case(experiment=experiment, document=1, rows=count, layers=depth, policy=policy) for depth in layers
            ]
            pair = [measured.get((case.name, f"remat {policy}")) for case in ends]
            if pair[0] is None or pair[1] is None:
                continue
            found.append(_at_full_depth(ends[0], pair[0], pair[1], depths))
    return found


def _at_full_depth(case: Case, shallow: Result, deep: Result, depths: tuple[int, int]) -> Result:
    assert shallow.figures is not None and deep.figures is not None
    timing = extrapolate(shallow.figures.timing, deep.figures.timing, depths, case.experiment.model.layers)
    flops = case.tokens * flops_per_token(case.experiment)
    notes = _rates(case.tokens, timing.median, flops) | {"extrapolated from layers": f"{depths[0]} and {depths[1]}"}
    figures = Figures(
        timing=timing,
        flops=flops,
        tokens=case.tokens,
        notes=notes,
        error=max(shallow.figures.error, deep.figures.error),
    )
    return dataclasses.replace(deep, case=case.whole, figures=figures)
