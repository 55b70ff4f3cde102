"""Report of a search: layouts as options, candidates in the CSV, reasons counted."""

import csv
import dataclasses
from typing import Any

import rich.console

from tanuki_jax.config.command_line import parse
from tanuki_jax.config.experiment import Layout
from tanuki_jax.config.registry import experiment
from tanuki_jax.planning.plan.estimate import Estimate
from tanuki_jax.planning.plan.layouts import Candidate
from tanuki_jax.planning.plan.plan_results import GIB, Memory, Plan, Term
from tanuki_jax.planning.plan.search_report import SEARCHED, options, summarize, summary, table, to_csv

TINY = experiment.find("tiny")
LAYOUT = Layout(data=1, fsdp=2, stage=2, context=2, microbatches=4, interleave=2, accumulation=2, zero=1, remat="dots")


def planned(seconds: float, needed: float, layout: Layout = LAYOUT) -> Candidate:
    """Return a planned candidate that needs so many of 80 GiB, margin included; 1,000 tokens on each of 8 devices."""
    held = round((needed - 6) * GIB) - 2 * GIB
    plan = Plan(
        experiment="tiny",
        target="cpu:1x8",
        devices=8,
        memory=Memory(
            parameters=GIB, optimizer=GIB, activations=held, temporaries=0, margin=6 * GIB, capacity=80 * GIB
        ),
        model_flops=round(4e15),
        issued_flops=round(5e15),
        traffic=(),
        terms=(
            Term(name="products", seconds=0.4 * seconds, measured=True),
            Term(name="waiting", seconds=0.6 * seconds, measured=False),
        ),
        seconds=seconds,
        bubble=0.2,
        tokens=8_000,
        steps=10,
        peak_flops=1e15,
        compile_seconds=1.0,
    )
    estimate = Estimate(bytes=GIB, seconds=seconds)
    return Candidate(layout=layout, verdict="fits" if needed <= 80 else "does not fit", plan=plan, estimate=estimate)


def test_the_options_of_a_layout_are_parsed_as_that_layout() -> None:
    words = options(TINY.layout, LAYOUT).split()

    @dataclasses.dataclass(frozen=True)
    class Options:
        """None."""

    parsed, _ = parse("train", ["--config=tiny", *words], Options)
    changed: dict[str, Any] = {name: getattr(LAYOUT, name) for name in SEARCHED}
    assert parsed.layout == dataclasses.replace(TINY.layout, **changed)
    assert options(LAYOUT, LAYOUT) == ""


def test_the_short_text_of_a_layout_has_axes_above_one_and_the_policy() -> None:
    assert (
        summarize(LAYOUT)
        == "stage 2, fsdp 2, context 2, microbatches 4, interleave 2, accumulation 2, zero 1, remat dots"
    )
    assert summarize(Layout(data=1)) == "remat full"


def test_the_table_has_speed_memory_and_the_bound() -> None:
    console = rich.console.Console(width=250)
    with console.capture() as captured:
        console.print(
            table(TINY, [planned(2.0, 76.0, dataclasses.replace(TINY.layout, fsdp=4)), Candidate(layout=LAYOUT)])
        )
    head, _, row = (line.split() for line in captured.get().strip().splitlines())
    assert " ".join(head).endswith("bound by options after --config=tiny")
    assert row == ["2.00", "500", "25.0%", "70.0", "4.0", "waiting", "--layout.fsdp", "4"]


def test_the_csv_has_a_line_for_every_candidate_and_refused_mesh() -> None:
    mesh = Candidate(
        layout=Layout(data=1, tensor=8), verdict="divide", reason="layout.tensor, they say, divides nothing"
    )
    rows = list(csv.DictReader(to_csv(TINY.layout, [planned(2.0, 86.0), mesh]).splitlines()))
    first, second = rows
    assert (first["verdict"], first["tokens/s/device"], first["free GiB"], first["margin GiB"]) == (
        "does not fit",
        "500",
        "-6.00",
        "6.00",
    )
    assert (first["stage"], first["zero"], first["remat"], first["estimated seconds"]) == ("2", "1", "dots", "2")
    assert (second["tensor"], second["reason"], second["zero"], second["words"]) == ("8", mesh.reason, "", "")


def test_the_summary_counts_every_verdict_and_has_one_reason() -> None:
    refused = [Candidate(layout=LAYOUT, verdict="memory", reason=f"needs {size} GiB") for size in (90, 100)]
    lines = summary([planned(1.0, 10.0), *refused])
    assert lines == [
        "      2  layouts exceed the memory by parameters, optimizer, gradients and kept activations alone; "
        "for example: needs 90 GiB",
        "      1  layouts were planned and fit",
    ]
