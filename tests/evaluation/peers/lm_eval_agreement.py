"""Scores of one model by lm-eval and by our own runner, item by item.

python -m tests.evaluation.peers.lm_eval_agreement URL DATA ITEMS

URL is any model's server; generated answers are drawn (`digit_answers`), so that some are right.
"""

import dataclasses
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.evaluation.benchmarks.jaster_task import Form, JasterTask
from tanuki_jax.evaluation.benchmarks.jcommonsenseqa import JCommonsenseQa
from tanuki_jax.evaluation.benchmarks.mgsm_ja import MgsmJa
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.evaluation.peers.lm_eval_tasks import task_name, write_lm_eval_tasks
from tanuki_jax.evaluation.run_evaluation import answerer, evaluate
from tests.evaluation.peers.digit_answers import answering_digits

FORMS: tuple[Form, ...] = ("text", "loglikelihood")


@dataclasses.dataclass(frozen=True)
class Agreement:
    """The scores of one benchmark by both."""

    benchmark: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def differing(self) -> list[int]:
        """Return the numbers of the items whose scores differ."""
        return [number for number, pair in enumerate(zip(self.ours, self.theirs, strict=True)) if pair[0] != pair[1]]


def agreements(url: str, data: Path, items: int, tasks: tuple[JasterTask, ...] = ()) -> list[Agreement]:
    """Return the scores of a model by both, for JCommonsenseQA and MGSM without and with two examples, in both forms.

    Args:
        url: address of the model's server.
        data: folder of the data.
        items: number of items of each.
        tasks: benchmarks, if not these.
    """
    kinds: tuple[type[JasterTask], ...] = (JCommonsenseQa, MgsmJa)
    chosen = tasks or tuple(
        kind(shots=shots, form=form, first=items)  # type: ignore[call-arg]
        for kind in kinds
        for shots in (0, 2)
        for form in FORMS
    )
    evaluation = Evaluation(name="agreement", benchmarks=chosen, data=str(data))
    with tempfile.TemporaryDirectory() as scratch:
        model = answerer(RemoteModel(urls=(url,), concurrency=4), "endpoint")
        ours = evaluate(evaluation, model, Path(scratch) / "ours").benchmarks
        folder = Path(scratch) / "tasks"
        write_lm_eval_tasks(evaluation, folder)
        samples = _by_lm_eval(url, model.name, folder, [task_name(each) for each in chosen])
    found = []
    for task, result in zip(chosen, ours, strict=True):
        metric = "strict" if task.form == "text" else "correct"
        own = tuple(item["scores"][metric] for item in result["items"])
        theirs = samples[task_name(task)]
        name = "strict" if task.form == "text" else "acc"
        in_order = sorted(theirs, key=lambda sample: sample["doc_id"])
        assert [sample["doc"]["id"] for sample in in_order] == [item["id"] for item in result["items"]]
        found.append(Agreement(task.name, own, tuple(float(sample[name]) for sample in in_order)))
    return found


def _by_lm_eval(url: str, model: str, folder: Path, tasks: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the samples of lm-eval by task."""
    import lm_eval
    from lm_eval.models.openai_completions import LocalCompletionsAPI
    from lm_eval.tasks import TaskManager

    client = LocalCompletionsAPI(
        base_url=f"{url}/completions", model=model, num_concurrent=4, max_length=8192, tokenizer_backend="remote"
    )
    manager = TaskManager(include_path=str(folder), include_defaults=False)
    results = lm_eval.simple_evaluate(client, tasks=tasks, task_manager=manager, log_samples=True, bootstrap_iters=0)
    samples: dict[str, list[dict[str, Any]]] = results["samples"]
    return samples


if __name__ == "__main__":
    url, data, items = sys.argv[1:]
    with answering_digits(url) as proxied:
        rows = [
            {"benchmark": each.benchmark, "items": len(each.ours), "differing": len(each.differing)}
            | {"right": sum(each.ours)}
            for each in agreements(proxied, Path(data), int(items))
        ]
    print("\n".join(json.dumps(row) for row in rows))
