"""A whole run: the models are looked at, the benchmarks are loaded and run one after the other, the results written."""

import asyncio
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tanuki_jax.base.claims import held_folder
from tanuki_jax.base.errors import CommandError, InputError
from tanuki_jax.base.progress import progress
from tanuki_jax.client.answer_journal import AnswerJournal
from tanuki_jax.client.model_names import PATIENCE, model_card
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.evaluation.answering import Answerer, Answering, Counts
from tanuki_jax.evaluation.benchmark import By
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.evaluation.greetings import CHATS, Greetings, greet, known_greetings, read_record
from tanuki_jax.evaluation.loaded_items import Loaded, grouped, load_items
from tanuki_jax.evaluation.named_evaluations import to_plain
from tanuki_jax.evaluation.results import RESULTS, benchmark_results, missing_results, now, write_json, write_results
from tanuki_jax.evaluation.run_benchmark import run_benchmark

RECORD = "run.json"
JOURNAL = "answers.zst"


@dataclasses.dataclass(frozen=True)
class Evaluated:
    """A finished run."""

    results: Path
    benchmarks: tuple[dict[str, Any], ...]
    """Results of the benchmarks, as in the file."""
    counts: Counts
    stopped: CommandError | None = None
    """Error that stopped a benchmark, which the results name; they have the others."""


def answerer(remote: RemoteModel, option: str, fingerprint: str = "", *, patience: float = PATIENCE) -> Answerer:
    """Return a model that answers, after a look at its servers.

    Args:
        remote: its servers.
        option: name of its options, as in "judge".
        fingerprint: text that differs for other weights; empty: what the servers state, else their addresses.
        patience: seconds in which each server must answer.

    Raises:
        InputError: a server is not there, or has no such model.
    """
    card = model_card(remote, option, patience=patience)
    stated = fingerprint or card.fingerprint
    own = stated or f"at {' '.join(sorted(remote.urls))}"
    return Answerer(remote, option, card.name, f"{card.name} {own}", bool(stated))


def evaluate(evaluation: Evaluation, model: Answerer, folder: Path) -> Evaluated:
    """Run the benchmarks of an evaluation, write the results, and return them.

    What cannot be run (no data, no judge, an endpoint that the model lacks) is named in the results; the rest is run.

    Args:
        evaluation: benchmarks, judge and limits.
        model: the model to evaluate.
        folder: folder of the run. Answers of an earlier run in it are used again.

    Raises:
        InputError: nothing can be run, the folder is another command's, or it has the results of another model.
        CommandError: the model does not answer, or no benchmark came to its end.
    """
    loaded = {each.name: load_items(each, evaluation) for each in evaluation.benchmarks}
    reasons = {name: found for name, found in loaded.items() if isinstance(found, str)}
    answerers, greetings, refused = _others(evaluation, reasons, model)
    reasons |= refused
    asked = [each for each in evaluation.benchmarks if each.name not in reasons]
    greetings["model"] = greet(model, [each.path_asked for each in asked], evaluation.requests)
    reasons |= {each.name: words for each in asked if (words := greetings["model"][each.path_asked].refusal)}
    if len(reasons) == len(evaluation.benchmarks):
        raise InputError("no benchmark can be run: " + "; ".join(grouped(reasons)))
    about = {"name": evaluation.name, "config": to_plain(evaluation), "started": now()}
    about |= {str(by): _described(answerer) for by, answerer in answerers.items()}
    with held_folder(folder, RECORD, "evaluate", "evaluation"):
        _check_folder(folder, model)
        known = known_greetings(folder / RECORD, answerers, greetings)
        write_json(folder / RECORD, {**about, "greetings": known})
        with AnswerJournal(folder / JOURNAL) as journal:
            answering = Answering(answerers, journal, evaluation.requests, evaluation.seed)
            results, stopped = asyncio.run(_run(evaluation, loaded, reasons, answering))
        if stopped is not None and all(each["missing"] for each in results):
            raise stopped
        write_results(folder / RESULTS, about, results)
    return Evaluated(folder / RESULTS, tuple(results), answering.counts, stopped)


def _check_folder(folder: Path, model: Answerer) -> None:
    """Raise InputError if a folder has the results of another model, which would be lost."""
    if not (folder / RESULTS).exists():
        return
    held = read_record(folder / RECORD).get("model")
    other = held.get("fingerprint") if isinstance(held, dict) else None
    if other not in (None, model.fingerprint):
        raise InputError(
            f"{folder} has the results of the model {other}, and this one is {model.fingerprint}: name another --out"
        )


def _described(answerer: Answerer) -> dict[str, Any]:
    return {"name": answerer.name, "fingerprint": answerer.fingerprint, "urls": [*answerer.remote.urls]}


async def _run(
    evaluation: Evaluation, loaded: Mapping[str, Loaded | str], reasons: Mapping[str, str], answering: Answering
) -> tuple[list[dict[str, Any]], CommandError | None]:
    """Return the results of all benchmarks, and the error that stopped one of them first, as of a judge that has died.

    A benchmark that was stopped is missing; what the others ask may still be answered, or be in the journal.
    """
    results, stopped = list[dict[str, Any]](), None
    try:
        async with answering.opened():
            for benchmark in evaluation.benchmarks:
                found = loaded[benchmark.name]
                if benchmark.name in reasons or isinstance(found, str):
                    results.append(missing_results(benchmark, reasons[benchmark.name]))
                    continue
                try:
                    with progress(benchmark.name, len(found.items), "item") as advance:
                        scored = await run_benchmark(benchmark, found.items, answering, advance)
                except CommandError as error:
                    stopped = stopped or error
                    results.append(missing_results(benchmark, f"it was stopped: {error}"))
                else:
                    results.append(benchmark_results(benchmark, scored, found.data))
    except CommandError:  # the clients say at their end again what has stopped them
        if stopped is None:
            raise
    return results, stopped


def _others(
    evaluation: Evaluation, reasons: Mapping[str, str], model: Answerer
) -> tuple[dict[By, Answerer], dict[By, Greetings], dict[str, str]]:
    """Return the models by their parts, the greetings of the others, and the benchmarks that lack one, with the reason.

    Args:
        evaluation: benchmarks, judge and baseline.
        reasons: benchmarks that cannot be run anyway.
        model: the model that is evaluated.
    """
    answerers: dict[By, Answerer] = {"model": model}
    greetings, lacking = dict[By, Greetings](), dict[str, str]()
    parts: tuple[tuple[By, RemoteModel], ...] = (("judge", evaluation.judge), ("baseline", evaluation.baseline))
    for by, remote in parts:
        asking = [each.name for each in evaluation.benchmarks if by in each.asks and each.name not in reasons]
        if not asking:
            continue
        try:
            other = answerer(remote, by)
            words = greet(other, [CHATS], evaluation.requests)
            if words[CHATS].refusal:
                raise InputError(words[CHATS].refusal)
        except CommandError as error:
            lacking |= dict.fromkeys(asking, f"it needs a {by}: {error}")
        else:
            answerers[by], greetings[by] = other, words
    return answerers, greetings, lacking
