"""The work of `evaluate`, and its output."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import amount
from tanuki_jax.base.tables import show
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.evaluation.answering import Answerer
from tanuki_jax.evaluation.evaluate_options import Run
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.evaluation.run_evaluation import Evaluated, answerer, evaluate
from tanuki_jax.evaluation.served_checkpoint import served_checkpoint

_SHOWN_OF_A_FINGERPRINT = 8
_HEXADECIMAL = re.compile(r"[0-9a-f]{32}")


def run(evaluation: Evaluation, options: Run) -> None:
    """Evaluate a model, and print a table of its scores."""
    with _model(options) as model:
        folder = Path(options.out) if options.out else _folder(evaluation, model)
        show_results(evaluate(evaluation, model, folder))


@contextlib.contextmanager
def _model(options: Run) -> Iterator[Answerer]:
    """Yield the model that the options name, which is served meanwhile if it is a checkpoint."""
    if bool(options.endpoint) == bool(options.checkpoint):
        raise InputError("name one model: --endpoint http://HOST:PORT/v1, or --checkpoint runs/NAME")
    with contextlib.ExitStack() as stack:
        urls = options.endpoint or (stack.enter_context(served_checkpoint(options.checkpoint)),)
        remote = RemoteModel(
            urls=urls, model=options.model, key_variable=options.key_variable, concurrency=options.concurrency
        )
        yield answerer(remote, "endpoint", options.fingerprint)


def _folder(evaluation: Evaluation, model: Answerer) -> Path:
    """Return the folder of a run that the options do not name. Other weights under one name get another folder."""
    name = re.sub(r"[^\w.-]+", "_", model.name).strip("._") or "model"
    own = model.fingerprint.removeprefix(f"{model.name} ")
    suffix = f"-{own[:_SHOWN_OF_A_FINGERPRINT]}" if _HEXADECIMAL.fullmatch(own) else ""
    return Path("evaluations") / evaluation.name / f"{name}{suffix}"


def show_results(evaluated: Evaluated) -> None:
    """Print the scores of a run, and what is missing."""
    table = Table("benchmark", "metric", box=box.SIMPLE)
    for heading in ("score", "95%", "items", "unreadable", "failed", "cut"):
        table.add_column(heading, justify="right")
    for each in evaluated.benchmarks:
        for number, (name, metric) in enumerate(each["metrics"].items()):
            first = (f"{each['failed']}", f"{each['cut']}") if number == 0 else ("", "")
            table.add_row(each["name"] if number == 0 else "", name, *_cells(metric), *first)
        for name, value in each["overall"].items():
            table.add_row("", name, f"{value:.3f}", "", "", "", "", "")
    missing = [
        Text(f"{each['name']} was not run: {each['missing']}", style="red")
        for each in evaluated.benchmarks
        if each["missing"]
    ]
    counts = evaluated.counts
    asked = f"{amount(counts.asked, 'request')}, {counts.reused:,} answers of earlier runs"
    show(table, *missing, f"{asked}; every answer and score: {evaluated.results}")


def _cells(metric: dict[str, Any]) -> tuple[str, str, str, str]:
    if metric["mean"] is None:
        return "", "", "0", f"{metric['unreadable']:,}"
    interval = f"{metric['low']:.3f} to {metric['high']:.3f}"
    return f"{metric['mean']:.3f}", interval, f"{metric['items']:,}", f"{metric['unreadable']:,}"
