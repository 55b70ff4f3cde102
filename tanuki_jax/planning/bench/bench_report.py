"""Results as a table, as JSON and as a picture."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rich.box
import rich.table

from tanuki_jax.base import plots
from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.errors import InputError
from tanuki_jax.planning.bench.bench_results import Figures, Result, from_json, to_json

COLUMNS = ("variant", "time", "10-90%", "TFLOP/s", "of matmul", "moved", "temporary", "peak", "error", "")


def write(path: Path, results: Sequence[Result], about: dict[str, Any]) -> None:
    """A JSON object of `about` and the results."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(
        path,
        json.dumps(about | {"results": [to_json(result) for result in results]}, indent=1, ensure_ascii=False) + "\n",
    )


def read(path: Path) -> tuple[list[Result], dict[str, Any]]:
    """What `write` wrote. InputError if there is no such file."""
    if not path.is_file():
        raise InputError(f"there is no report {path}; `python -m tanuki_jax.bench all --json {path}` makes it")
    about = json.loads(path.read_text("utf-8"))
    return [from_json(result) for result in about.pop("results")], about


def table(benchmark: str, results: Sequence[Result]) -> rich.table.Table:
    """The results of one benchmark, those of a case together."""
    shown = rich.table.Table(title=benchmark, box=rich.box.SIMPLE, title_justify="left")
    for column in COLUMNS:
        shown.add_column(column, justify="left" if column in ("variant", "") else "right", overflow="fold")
    by_case: dict[str, list[Result]] = {}
    for result in results:
        by_case.setdefault(result.case, []).append(result)
    for case, of_case in by_case.items():
        shown.add_section()
        shown.add_row(f"[bold]{case}")
        for result in of_case:
            shown.add_row(*_row(result))
    return shown


def _row(result: Result) -> tuple[str, ...]:
    figures = result.figures
    if figures is None:
        return (result.variant, *("",) * (len(COLUMNS) - 2), f"{result.outcome}: {result.detail}")
    timing = figures.timing
    return (
        result.variant,
        seconds(timing.median),
        f"{seconds(timing.low)} - {seconds(timing.high)}",
        f"{tera(figures):.4g}" if figures.flops else "",
        f"{share(result):.1%}" if figures.flops and result.ceiling else "",
        size(figures.moved_bytes),
        size(figures.temporary_bytes),
        size(figures.device_peak_bytes or figures.peak_bytes),
        f"{figures.error:.1e}" if figures.error else "",
        ", ".join(f"{name} {_note(name, value)}" for name, value in figures.notes.items()),
    )


def tera(figures: Figures) -> float:
    """Useful TFLOP/s."""
    return figures.flops / figures.timing.median / 1e12


def share(result: Result) -> float:
    """Useful FLOP/s as a share of the matrix product's."""
    assert result.figures is not None
    return result.figures.flops / result.figures.timing.median / result.ceiling


def seconds(value: float) -> str:
    unit, scale = next(
        ((unit, scale) for unit, scale in (("s", 1.0), ("ms", 1e-3)) if abs(value) >= scale), ("us", 1e-6)
    )
    return f"{value / scale:.4g} {unit}"


def size(count: int) -> str:
    return f"{count / 2**30:.3g} GiB" if count >= 2**30 else f"{count / 2**20:.3g} MiB" if count else ""


def _note(name: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.1%}" if name == "MFU" or name.startswith("of ") else f"{value:,.0f}"


@plots.style()
def plot(path: Path, results: Sequence[Result]) -> None:
    """A PNG of useful TFLOP/s, a bar a variant; those that could not be measured are there without a bar."""
    charts: dict[str, list[Result]] = {}
    for result in results:
        if result.outcome != "unavailable" and (result.figures is None or result.figures.flops):
            charts.setdefault(result.benchmark, []).append(result)
    if not charts:
        raise InputError("nothing was measured that could be drawn")
    heights = [1 + 0.24 * len(shown) for shown in charts.values()]
    figure = plots.new_figure(12, sum(heights) + 1)
    axes = figure.subplots(len(charts), 1, height_ratios=heights, squeeze=False)[:, 0]
    for axis, (benchmark, shown) in zip(axes, charts.items(), strict=True):
        _draw(axis, benchmark, shown)
    plots.save(figure, path)


def _draw(axis: Any, benchmark: str, results: Sequence[Result]) -> None:
    cases = list(dict.fromkeys(result.case for result in results))
    for place, result in enumerate(results):
        figures = result.figures
        if figures is None:
            axis.text(0, place, f" {result.outcome}", va="center", fontsize=7, color="grey")
            continue
        low, middle, high = (
            figures.flops / time / 1e12 for time in (figures.timing.high, figures.timing.median, figures.timing.low)
        )
        spread = [[max(0.0, middle - low)], [max(0.0, high - middle)]]
        axis.barh(place, middle, xerr=spread, color=f"C{cases.index(result.case)}", height=0.8)
        axis.text(max(middle, high), place, f"  {middle:.4g}", va="center", fontsize=7)
    axis.set_yticks(range(len(results)), [f"{result.case}: {result.variant}" for result in results], fontsize=7)
    axis.set_ylim(len(results) - 0.4, -0.6)
    axis.margins(x=0.1)
    axis.set_xlabel("useful TFLOP/s")
    axis.set_title(benchmark)
    axis.grid(axis="y", visible=False)
    if ceiling := max(result.ceiling for result in results):
        axis.axvline(ceiling / 1e12, color="black", linewidth=0.8, linestyle=":", label="matrix product")
        axis.legend(loc="lower right", fontsize=7)
