"""Compare runs: the settings in which they differ, what they reached, and a picture of their losses.

python -m tanuki_jax.compare runs/tiny runs/tiny_moe
python -m tanuki_jax.compare sweeps/rates/runs/* --plot rates.png
"""

import dataclasses
from pathlib import Path

import tyro

from tanuki_jax.base.command import enter
from tanuki_jax.config.command_line import parse_options


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Compare runs, which may still be in progress: a table of the settings in which they differ, a table of what they
    reached, and a picture of their losses."""

    runs: tyro.conf.Positional[tuple[str, ...]]
    """Folders of the runs."""
    plot: str = ""
    """Path of the picture; empty: compare.png beside the first run."""


def main(words: list[str]) -> None:
    options = parse_options("compare", words, Options)
    from rich.console import Console  # after the words are understood

    from tanuki_jax.training.runs import comparison, comparison_curves
    from tanuki_jax.training.runs.recorded_run import read_run

    runs = [read_run(Path(path)) for path in dict.fromkeys(options.runs)]
    console = Console(markup=False, highlight=False)
    settings, figures = comparison.settings_table(runs), comparison.figures_table(runs)
    if settings is None and len(runs) > 1:
        console.print("no setting of the runs is known to differ", soft_wrap=True)
    for table in (settings, figures):
        if table is not None:
            if not console.is_terminal:  # a file or a pipe has no width: no cell needs to be folded
                console.width = console.measure(table, options=console.options.update(max_width=10_000)).maximum
            console.print(table)
    picture = Path(options.plot or _beside(runs[0].path))
    comparison_curves.draw(runs, picture)
    console.print(str(picture), soft_wrap=True)


def _beside(run: Path) -> Path:
    """Return the path of the picture in the folder that holds a run."""
    return (run if run.name not in ("", "..") else run.resolve()).parent / "compare.png"


if __name__ == "__main__":
    enter("compare", main)
