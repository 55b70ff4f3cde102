"""Steps at two depths, and the line through them; steps of adapters, compiled for a GPU that is not present."""

import dataclasses
import math
import re
from collections.abc import Iterator

import pytest

from tanuki_jax.config import registry
from tanuki_jax.config.experiment import Layout
from tanuki_jax.lm.model.flops import training_flops_per_token
from tanuki_jax.planning.bench import step_timing
from tanuki_jax.planning.bench.bench_results import Result, Wrong, take
from tanuki_jax.planning.bench.sizes import SIZES, Sizes
from tanuki_jax.planning.bench.step_timing import EXTRAPOLATED
from tanuki_jax.planning.bench.suites import ADAPTER_CONFIGS, SUITES, completed, experiment, expert_experiment
from tanuki_jax.planning.bench.timing import Timing
from tanuki_jax.planning.plan import hlo
from tanuki_jax.planning.plan.hlo import Computation, Instruction
from tanuki_jax.planning.plan.lowered_step import lower_step
from tanuki_jax.planning.plan.make_plan import compile_for
from tanuki_jax.planning.plan.target import parse
from tanuki_jax.planning.plan.work import issued

SMALL = SIZES["small"]
GIB = 2**30
CONTRACTED = re.compile(r'lhs_contracting_dim(?:s=\{|ensions":\[)([^\]}]*)')


def test_a_step_at_full_depth_is_on_a_line_through_two_depths() -> None:
    """A step that takes 10 s and 3 s a layer."""
    shallow, deep = Timing(16.0, 15.5, 16.5, 9), Timing(22.0, 21.5, 22.5, 7)
    timing = step_timing.extrapolate(shallow, deep, (2, 4), 32)
    assert timing.median == pytest.approx(10 + 3 * 32)
    assert timing.low == pytest.approx(16.5 + (21.5 - 16.5) / 2 * 30)
    assert timing.high == pytest.approx(15.5 + (22.5 - 15.5) / 2 * 30)
    assert timing.runs == 7


@pytest.fixture(scope="module")
def results() -> list[Result]:
    """Time steps at both depths under the policy that the check compiles too."""
    wanted = step_timing.measurements(experiment(SMALL), SMALL.layers, SMALL.rows, SMALL.document)
    return [take(each, 0.0, 1e9) for each in wanted if each.key["policy"] == "full"]


@pytest.mark.long
def test_real_steps_are_timed_if_their_loss_is_that_of_plain_attention(results: list[Result]) -> None:
    assert [result.outcome for result in results] == ["measured"] * 2, [result.detail for result in results]
    for result, layers in zip(results, SMALL.layers, strict=True):
        assert result.figures is not None
        model = dataclasses.replace(SMALL.model, layers=layers)
        assert result.figures.flops == SMALL.times[0] * training_flops_per_token(model, SMALL.times[0])
        assert result.figures.notes["tokens/s"] == pytest.approx(SMALL.times[0] / result.figures.timing.median)


@pytest.mark.long
def test_only_what_was_measured_at_both_depths_is_extrapolated(results: list[Result]) -> None:
    def at_full_depth(some: list[Result], sizes: Sizes = SMALL) -> list[Result]:
        return [result for result in completed(some, sizes) if result.matches("step", EXTRAPOLATED)]

    (full,) = at_full_depth(results)
    assert full.variant == "remat full" and full.figures is not None
    assert (full.key["layers"], full.key["policy"]) == (4, "full")
    assert full.case == f"{experiment(SMALL).name}, 1 x 128 packed, 4 layers extrapolated"
    assert full.figures.notes["extrapolated from layers"] == "1 and 2"
    assert full.figures.flops == SMALL.times[0] * training_flops_per_token(SMALL.model, SMALL.times[0])
    assert at_full_depth(results[:1]) == []


def test_a_step_with_another_loss_is_wrong() -> None:
    with pytest.raises(Wrong, match=r"gradient_norm of the first step is 1\.1, not 1"):
        step_timing._error({"loss": 2.0, "gradient_norm": 1.1}, {"loss": 2.0, "gradient_norm": 1.0})


@pytest.mark.long
def test_a_step_with_experts_is_timed_at_one_depth() -> None:
    (measurement,) = [each for each in SUITES["expert-step"](SMALL) if each.key["policy"] == "full"]
    result = take(measurement, 0.0, 1e9)
    assert result.outcome == "measured" and result.figures is not None, result.detail
    full = expert_experiment(SMALL)
    assert result.case == "8x8b, 4 x 128 packed, 2 layers"
    model = dataclasses.replace(full.model, layers=2)
    assert result.figures.flops == 4 * 128 * training_flops_per_token(model, 128)
    assert (model.experts, model.experts_per_token, model.router_logits) == (4, 2, "standardized")


@pytest.mark.long
@pytest.mark.parametrize("config", ADAPTER_CONFIGS)
def test_a_step_of_adapters_is_timed_at_all_layers(config: str) -> None:
    measurement = next(each for each in SUITES["adapter-step"](SMALL) if each.key["config"] == config)
    result = take(measurement, 0.0, 1e9)
    assert result.outcome == "measured" and result.figures is not None, result.detail
    assert result.case == f"{config}, 2 x 128 packed, 4 layers"


def test_8b_is_measured_with_its_own_shape() -> None:
    full = experiment(SIZES["full"])
    assert training_flops_per_token(full.model, full.data.sequence_length) == pytest.approx(49.9e9, rel=0.002)
    assert (full.model.layers, full.data.sequence_length, step_timing.POLICIES[0]) == (32, 8192, "none")


def test_policies_are_the_named_ones_and_the_configs_own() -> None:
    own = Layout(remat="attention", save=("qkv", "hidden"), offload=("input",))
    assert step_timing.policies(Layout(remat="full")) == step_timing.POLICIES
    assert step_timing.policies(own) == ("attention, save qkv, hidden, offload input", *step_timing.POLICIES)
    assert step_timing.policies(own, ["dots", "own"]) == ("dots", "attention, save qkv, hidden, offload input")
    assert step_timing.policies(Layout(remat="full"), ["own", "full"]) == ("full",)


def test_a_named_policy_saves_nothing_more_and_the_own_one_all_its_names() -> None:
    full = registry.experiment.find("8b_sft_lora")
    own, dots, *_ = (
        step_timing.Case(experiment=full, document=1, rows=4, layers=2, policy=policy).under_policy().layout
        for policy in step_timing.policies(full.layout, ["own", "dots"])
    )
    assert (own.remat, own.save) == ("attention", ("qkv", "hidden"))
    assert (dots.remat, dots.save) == ("dots", ())
    assert (step_timing.default_rows(full), step_timing.default_rows(registry.experiment.find("8b"))) == (4, 16)


@pytest.mark.gpu_compile
@pytest.mark.parametrize("name", [pytest.param("8b_sft_lora", marks=pytest.mark.long), "8b_dpo_lora"])
def test_a_step_of_adapters_fits_an_h200_without_frozen_gradients(name: str) -> None:
    """Two of 32 layers; a layer has 218,112,000 frozen weights and 10,485,760 of adapters."""
    full, target = registry.experiment.find(name), parse("h200:1")
    rows, policy = step_timing.default_rows(full), step_timing.policies(full.layout)[0]
    case = step_timing.Case(experiment=full, document=1024, rows=rows, layers=2, policy=policy)
    two = case.under_policy()
    compiled = compile_for(lower_step(two, target.devices()), two, target)
    memory = compiled.memory_analysis()
    assert memory is not None
    # The input; queries, keys and values; attention's output; two hidden arrays of the SwiGLU.
    kept = 2 * case.tokens * (4096 + 6144 + 4096 + 2 * 14_336)
    layer = 2 * 218_112_000 + 12 * 10_485_760 + kept
    assert memory.peak_memory_in_bytes + 30 * layer < 100 * GIB

    products = list(_products(hlo.parse(compiled.as_text() or "")))
    weights = {tuple(sorted(shape)) for shape in ((4096, 4096), (4096, 1024), (4096, 14_336), (4096, 65_024))}
    assert weights.isdisjoint(tuple(sorted(shape)) for shape, _ in products)
    assert sum(flops for _, flops in products) == pytest.approx(issued(two, "hopper").matmul, rel=0.001)


def _products(program: hlo.Program) -> Iterator[tuple[tuple[int, ...], int]]:
    """Yield shape and FLOPs in a step of each product of the layers; products of the loss are inside two loops."""
    for run in program.runs():
        inside = program.computations.get(run.instruction.called("calls"))
        for each, within in _each(run.instruction, run.within, inside):
            dims = CONTRACTED.search(each.attributes) if each.opcode in ("dot", "custom-call") else None
            if dims and each.scope.count("while") == 1:
                first = within.instructions[each.operands[0]].arrays[0].shape
                depth = math.prod(first[int(dim.strip('" '))] for dim in dims[1].split(","))
                shape = each.arrays[0].shape
                yield shape, 2 * depth * math.prod(shape) * run.times


def _each(
    instruction: Instruction, within: Computation, inside: Computation | None
) -> list[tuple[Instruction, Computation]]:
    """Return the instruction, or those inside it if it is a fusion."""
    return [(each, inside) for each in inside.instructions.values()] if inside else [(instruction, within)]
