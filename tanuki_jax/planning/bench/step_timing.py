"""Timings of training steps: at a depth that fits this machine, or at two depths and extrapolated to all layers."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any, get_args, get_type_hints

import jax
import numpy as np

from tanuki_jax.config.experiment import Experiment, Layout
from tanuki_jax.config.hardware import peak_flops
from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.kernels.devices import devices
from tanuki_jax.lm.objectives.make_objective import make_objective
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import BATCH
from tanuki_jax.planning.bench import document_rows
from tanuki_jax.planning.bench.bench_results import MFU, Figures, Key, Measurement, Result, Wrong
from tanuki_jax.planning.bench.correctness import relative
from tanuki_jax.planning.bench.timed_program import device_peak, memory, raised_peak
from tanuki_jax.planning.bench.timing import Timing, clock
from tanuki_jax.training.setup import TrainSetup, TrainState, flops_per_token, initial_state
from tanuki_jax.training.step import make_step

BENCHMARK = "step"
POLICIES: tuple[str, ...] = get_args(get_type_hints(Layout)["remat"])
"""All named rematerialisation policies."""
TOKENS, TOKENS_OF_ADAPTERS = 32_768, 16_384
"""Default tokens of a step; fewer with adapters, whose steps have all layers and keep more of each token."""
CHECKED = ("loss", "gradient_norm")
TOLERANCE = 0.02
"""Largest relative difference of the checked metrics of the first step from those with attention in plain JAX."""
TIMED, EXTRAPOLATED = {"depth": "timed"}, {"depth": "extrapolated"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """A step of `rows` packed rows on one device, with a model of `layers` layers."""

    experiment: Experiment
    document: int
    """Mean length of a document, in tokens."""
    rows: int
    layers: int
    policy: str
    """One of `policies`."""

    @property
    def name(self) -> str:
        return f"{self._shape}, {self.layers} layers"

    @property
    def extrapolated_name(self) -> str:
        """Label of the result at full depth."""
        return f"{self._shape}, {self.experiment.model.layers} layers extrapolated"

    @property
    def _shape(self) -> str:
        return f"{self.experiment.name}, {self.rows} x {self.experiment.data.sequence_length} packed"

    @property
    def key(self) -> Key:
        return {
            "config": self.experiment.name,
            "rows": self.rows,
            "time": self.experiment.data.sequence_length,
            "document": self.document,
            "layers": self.layers,
            "policy": self.policy,
            **TIMED,
        }

    @property
    def tokens(self) -> int:
        return self.rows * self.experiment.data.sequence_length

    def at_depth(self, **layout: Any) -> Experiment:
        """Return the experiment with `layers` layers on one device, in one micro-batch."""
        full = self.experiment
        return dataclasses.replace(
            full,
            model=dataclasses.replace(full.model, layers=self.layers),
            data=dataclasses.replace(full.data, batch_rows=self.rows),
            layout=dataclasses.replace(full.layout, data=1, fsdp=1, expert=1, tensor=1, accumulation=1, **layout),
        )

    def under_policy(self) -> Experiment:
        """Return `at_depth` under the policy; a named policy saves and offloads nothing in addition."""
        return self.at_depth() if self.policy not in POLICIES else self.at_depth(remat=self.policy, save=(), offload=())


def policies(layout: Layout, names: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the policies to time: those of `names`, where `own` is the layout's own, or else own and all named ones.

    The layout's own policy is written out, as in `attention, save qkv, hidden`.
    """
    additions = [
        f"{verb} {', '.join(names)}" for verb, names in (("save", layout.save), ("offload", layout.offload)) if names
    ]
    own = ", ".join([layout.remat, *additions])
    chosen = names or (*(["own"] if additions else []), *POLICIES)
    return tuple(dict.fromkeys(own if policy == "own" else policy for policy in chosen))


def default_rows(experiment: Experiment) -> int:
    """Return the rows of a step if the user names none."""
    return max(1, (TOKENS_OF_ADAPTERS if experiment.lora.rank else TOKENS) // experiment.data.sequence_length)


def measurements(
    experiment: Experiment, layers: Sequence[int], rows: Sequence[int], document: int, policy_names: Sequence[str] = ()
) -> Iterator[Measurement]:
    """Yield a step for every number of rows, depth and policy."""
    for count in rows:
        for depth in layers:
            for policy in policies(experiment.layout, policy_names):
                case = Case(experiment=experiment, document=document, rows=count, layers=depth, policy=policy)
                take, first = functools.partial(_measure, case), count == rows[0]
                yield Measurement(BENCHMARK, case.name, f"remat {policy}", case.key, take, first)


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
    """Return tokens a second, FLOPs a token and, if the device's peak is known, MFU."""
    rates: dict[str, float | str] = {"tokens/s": tokens / seconds, "FLOPs/token": flops / tokens}
    peak = peak_flops(devices()[0].device_kind)
    return rates | ({MFU: flops / seconds / peak} if peak else {})


def _start(case: Case, experiment: Experiment) -> tuple[Any, TrainState, Batch[jax.Array]]:
    mesh = make_mesh(experiment.layout, devices()[:1])
    setup = TrainSetup(experiment, mesh)
    state = jax.jit(lambda: initial_state(experiment), out_shardings=setup.state_shardings)()
    batch = jax.device_put(_batch(case), jax.sharding.NamedSharding(mesh, BATCH))
    return make_step(setup), state, batch


def _batch(case: Case) -> Batch[Any]:
    """Return random tokens [1, rows, T] in documents of exponential lengths, or in pairs of them, all of weight one."""
    time = case.experiment.data.sequence_length
    lengths = document_rows.exponential(case.rows, time, case.document)
    tokens, targets = np.random.default_rng(0).integers(
        0, case.experiment.model.vocabulary, (2, 1, case.rows, time), np.int32
    )
    ids, positions = document_rows.segment_ids(lengths)[None], document_rows.positions(lengths)[None]
    batch = Batch(tokens, targets, np.ones(tokens.shape, np.float32), ids, positions)
    pairs = {"pair_ids": (ids + 1) // 2, "sides": (ids - 1) % 2 + 1, "reference_logps": np.zeros(ids.shape, np.float32)}
    return batch._replace(**{name: pairs[name] for name in make_objective(case.experiment.objective).batch_arrays})


@functools.lru_cache(maxsize=1)
def _first_metrics(case: Case) -> dict[str, float]:
    """Return the checked metrics of the first step with attention in plain JAX."""
    step, state, batch = _start(case, case.at_depth(remat="full", save=(), offload=(), attention="chunked"))
    _, metrics = step(state, batch)
    return {name: float(metrics[name]) for name in CHECKED}


def _error(metrics: Any, expected: dict[str, float]) -> float:
    """Return the largest relative error of the checked metrics. Raise Wrong if it exceeds the tolerance."""
    worst = 0.0
    for name in CHECKED:
        error = relative(float(metrics[name]), expected[name])
        if not error <= TOLERANCE:
            raise Wrong(f"{name} of the first step is {float(metrics[name]):.6g}, not {expected[name]:.6g}")
        worst = max(worst, error)
    return worst


def extrapolate(shallow: Timing, deep: Timing, depths: tuple[int, int], layers: int) -> Timing:
    """Return the time of a step at `layers` layers, on a straight line through the times at two depths.

    The low line runs from `high` at the shallow depth to `low` at the deep one, the high line the other way.
    """

    def line(at_shallow: float, at_deep: float) -> float:
        per_layer = (at_deep - at_shallow) / (depths[1] - depths[0])
        return at_shallow + per_layer * (layers - depths[0])

    median = line(shallow.median, deep.median)
    return Timing(median, line(shallow.high, deep.low), line(shallow.low, deep.high), min(shallow.runs, deep.runs))


def extrapolated(results: Sequence[Result], experiment: Experiment, layers: Sequence[int]) -> list[Result]:
    """Return a result at full depth for every policy and number of rows measured at both depths, if there are two."""
    if len(layers) < 2:
        return []
    depths = (layers[0], layers[1])
    shallow_key: Key = {"config": experiment.name, "layers": depths[0], **TIMED}
    measured = [result for result in results if result.figures]
    pairs = [
        (shallow, deep)
        for shallow in measured
        if shallow.matches(BENCHMARK, shallow_key)
        for deep in measured
        if deep.matches(BENCHMARK, {**shallow.key, "layers": depths[1]})
    ]
    return [_at_full_depth(experiment, shallow, deep, depths) for shallow, deep in pairs]


def _at_full_depth(experiment: Experiment, shallow: Result, deep: Result, depths: tuple[int, int]) -> Result:
    assert shallow.figures is not None and deep.figures is not None
    key, layers = shallow.key, experiment.model.layers
    case = Case(
        experiment=experiment,
        document=int(key["document"]),
        rows=int(key["rows"]),
        layers=layers,
        policy=str(key["policy"]),
    )
    timing = extrapolate(shallow.figures.timing, deep.figures.timing, depths, layers)
    flops = case.tokens * flops_per_token(experiment)
    notes = _rates(case.tokens, timing.median, flops) | {"extrapolated from layers": f"{depths[0]} and {depths[1]}"}
    error = max(shallow.figures.error, deep.figures.error)
    figures = Figures(timing=timing, flops=flops, tokens=case.tokens, notes=notes, error=error)
    return dataclasses.replace(deep, case=case.extrapolated_name, key={**case.key, **EXTRAPOLATED}, figures=figures)
