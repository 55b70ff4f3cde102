"""The work of `evaluate`, and its output."""

import contextlib
import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.errors import InputError
from tanuki_jax.base.json_lines import encode
from tanuki_jax.base.progress import amount
from tanuki_jax.base.tables import show
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.evaluation.answering import Answerer
from tanuki_jax.evaluation.evaluate_options import Export, Run, Weak
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.evaluation.follow_run import LINES, follow
from tanuki_jax.evaluation.loaded_items import grouped
from tanuki_jax.evaluation.peers.lm_eval_tasks import write_lm_eval_tasks
from tanuki_jax.evaluation.report.read_results import figures_with_bounds, read_run
from tanuki_jax.evaluation.run_evaluation import Evaluated, answerer, evaluate
from tanuki_jax.evaluation.served_checkpoint import check_checkpoint, served_checkpoint
from tanuki_jax.evaluation.weak_groups import WeakGroup, weak_groups

_SHOWN_OF_A_FINGERPRINT = 8
_OF_ENDPOINTS = ("model", "key_variable", "fingerprint", "out")
"""Options without a meaning for a run that is followed."""
_HEXADECIMAL = re.compile(r"[0-9a-f]{32}")


def run(evaluation: Evaluation, options: Run) -> None:
    """Evaluate a model, or every checkpoint of a run, and print a table of the scores."""
    named = [bool(options.endpoint), bool(options.checkpoint), bool(options.follow)]
    if sum(named) != 1:
        raise InputError(
            "name one model: --endpoint http://HOST:PORT/v1, --checkpoint runs/NAME, or --follow runs/NAME"
        )
    if options.follow:
        _follow(evaluation, options)
        return
    with _model(options) as model:
        folder = Path(options.out) if options.out else _folder(evaluation, model)
        evaluated = evaluate(evaluation, model, folder)
        show_results(evaluated)
        if evaluated.stopped is not None:
            raise evaluated.stopped


@contextlib.contextmanager
def _model(options: Run) -> Iterator[Answerer]:
    """Yield the model that the options name, which is served meanwhile if it is a checkpoint."""
    if options.checkpoint:
        check_checkpoint(options.checkpoint)
    with contextlib.ExitStack() as stack:
        urls = options.endpoint or (stack.enter_context(served_checkpoint(options.checkpoint)),)
        remote = RemoteModel(
            urls=urls, model=options.model, key_variable=options.key_variable, concurrency=options.concurrency
        )
        try:
            model = answerer(remote, "endpoint", options.fingerprint)
        except InputError as error:  # other models have options of their own, such as --judge.urls
            named = str(error).replace("--endpoint.urls", "--endpoint").replace("--endpoint.model", "--model")
            raise InputError(named) from None
        yield model


def _follow(evaluation: Evaluation, options: Run) -> None:
    """Evaluate every checkpoint of a run, and print a line for each."""

    def line(step: int, evaluated: Evaluated) -> None:
        ran = [each for each in evaluated.benchmarks if each["metrics"]]
        firsts = [(each["name"], *next(iter(each["metrics"].items()))) for each in ran]
        shown = [f"{name} {metric} {about['mean']:.3f}" for name, metric, about in firsts if about["items"]]
        show(f"step {step:,}: {', '.join(shown)}")

    ignored = [name for name in _OF_ENDPOINTS if getattr(options, name)]
    if ignored:
        raise InputError(f"--{ignored[0].replace('_', '-')} has no meaning with --follow; leave it out")
    run = Path(options.follow)
    lost = ", ".join(map(str, follow(evaluation, run, options.concurrency, line)))
    named = f"the steps {lost} have no scores: their checkpoints were deleted before they could be held, or not saved, "
    named += "or cannot be served"
    show(*[named] * bool(lost), f"the trainer has ended; the scores of {'others' if lost else 'all'}: {run / LINES}")


def weak(options: Weak) -> None:
    """Write the plan of what a model answers worst, and print it."""
    results = read_run(Path(options.results))
    reference = read_run(Path(options.reference)) if options.reference else None
    found, others = weak_groups(results, reference, options.records)
    if not found:
        show(f"nothing is weak by more than chance, and no plan is written: {'; '.join(others)}")
        return
    replace_text(Path(options.output), "".join(f"{encode(row)}\n" for row in plan_rows(found)))
    table = Table("kind", "name", box=box.SIMPLE)
    for heading in ("score", "reference", "95% of the difference", "items", "records"):
        table.add_column(heading, justify="right")
    for each in found:
        interval = f"{each.low:.3f} to {each.high:.3f}"
        shown = (f"{each.score:.3f}", f"{each.reference:.3f}", interval, f"{each.items:,}", f"{each.missing:,}")
        table.add_row(each.kind, each.name, *shown)
    show(
        table,
        *[f"not weak: {'; '.join(others)}"] * bool(others),
        f"the plan: {options.output}; what it takes: python -m tanuki_jax.synthesize --config=weakness --inputs "
        f"{options.output} --dry-run",
    )


def plan_rows(found: Sequence[WeakGroup]) -> list[dict[str, Any]]:
    """Return the rows of a plan for `synthesize --config=weakness`: kind, name, missing and the scores."""
    return [dataclasses.asdict(each) for each in found if each.missing]


def export(evaluation: Evaluation, options: Export) -> None:
    """Write tasks of lm-eval, and print the command that runs them, and what is missing."""
    names, missing = write_lm_eval_tasks(evaluation, Path(options.tasks))
    show(
        *[Text(f"not exported: {line}", style="red") for line in grouped(missing)],
        f"{amount(len(names), 'task')}: {options.tasks}",
        "lm-eval run --model local-completions --model_args model=NAME,base_url=http://HOST:PORT/v1/completions,"
        f"tokenizer_backend=remote --include_path {options.tasks} --tasks {','.join(names)}",
    )


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
        for name, found in figures_with_bounds(each["overall"]).items():
            bounds = "" if found.low is None or found.high is None else f"{found.low:.3f} to {found.high:.3f}"
            table.add_row("", name, f"{found.value:.3f}", bounds, "", "", "", "")
    missing = [Text(f"{', '.join(names)}: {reason}", style="red") for reason, names in _missing(evaluated).items()]
    counts = evaluated.counts
    asked = f"{amount(counts.asked, 'request')}, {counts.reused:,} answers of earlier runs"
    show(table, *missing, f"{asked}; every answer and score: {evaluated.results}")


def _missing(evaluated: Evaluated) -> dict[str, list[str]]:
    """Return the reasons for missing scores, each with the benchmarks that it concerns."""
    reasons: dict[str, list[str]] = {}
    for each in evaluated.benchmarks:
        scores = [about["items"] for about in each["metrics"].values()]
        if each["missing"]:
            reasons.setdefault(f"not run, {each['missing']}", []).append(each["name"])
        elif each["items"] and not any(scores):
            reasons.setdefault(f"no score could be read: {each['items'][0]['note']}", []).append(each["name"])
    return reasons


def _cells(metric: dict[str, Any]) -> tuple[str, str, str, str]:
    if metric["mean"] is None:
        return "", "", "0", f"{metric['unreadable']:,}"
    interval = f"{metric['low']:.3f} to {metric['high']:.3f}"
    return f"{metric['mean']:.3f}", interval, f"{metric['items']:,}", f"{metric['unreadable']:,}"
