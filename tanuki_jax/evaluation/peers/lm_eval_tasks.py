"""Tasks of lm-eval (EleutherAI's lm-evaluation-harness) that ask the same questions as ours, on local files.

They are written for tasks of the Jaster family in the forms that lm-eval has too: a text to continue, and
log-probabilities. lm-eval then needs nothing of this package.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tanuki_jax.base.atomic import new_folder
from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.benchmark import Benchmark
from tanuki_jax.evaluation.benchmarks.jaster_task import JasterTask, Question
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.evaluation.loaded_items import Loaded, grouped, load_items

_STRICT = Path(__file__).parent / "strict_scores.py"
_BEFORE, _AFTER = "### 入力:\n", "\n\n### 応答:\n"


class WrittenTasks(NamedTuple):
    """Tasks that were written, and those that were not."""

    names: list[str]
    """Names of the tasks."""
    missing: dict[str, str]
    """Name of a benchmark -> reason why it is no task."""


def can_export(evaluation: Evaluation) -> bool:
    """Whether an evaluation has a benchmark that can be a task of lm-eval."""
    return any(not _why_not(each) for each in evaluation.benchmarks)


def write_lm_eval_tasks(evaluation: Evaluation, folder: Path) -> WrittenTasks:
    """Write a task of lm-eval for each benchmark that can be one and whose data are there.

    Args:
        evaluation: benchmarks.
        folder: new folder of the tasks.

    Raises:
        InputError: the folder exists, or no benchmark can be a task.
    """
    found: list[tuple[JasterTask, Loaded]] = []
    missing: dict[str, str] = {}
    for each in evaluation.benchmarks:
        loaded = _why_not(each) or load_items(each, evaluation)
        if isinstance(each, JasterTask) and isinstance(loaded, Loaded):
            found.append((each, loaded))
        else:
            missing[each.name] = str(loaded)
    if not found:
        raise InputError(f"no benchmark can be a task of lm-eval: {'; '.join(grouped(missing))}")
    place = folder.absolute()
    with new_folder(place) as draft:
        for task, loaded in found:
            shown, _ = loaded.items[0].row
            _write_rows(draft / f"{task.name}.jsonl", task, (item.row[1] for item in loaded.items))
            _write_rows(draft / f"{task.name}_examples.jsonl", task, shown)
            (draft / f"{task.name}.yaml").write_text(_task_file(task, place), encoding="utf-8")
        (draft / _STRICT.name).write_text(_STRICT.read_text("utf-8"), encoding="utf-8")
    return WrittenTasks([task_name(task) for task, _ in found], missing)


def _why_not(benchmark: Benchmark) -> str:
    """Return the reason why a benchmark cannot be a task of lm-eval; empty: it can."""
    if not isinstance(benchmark, JasterTask) or benchmark.form not in ("text", "loglikelihood"):
        return "lm-eval does not ask in this way, but as --config=jaster_text does"
    if benchmark.form == "text" and benchmark.compare == "characters":
        return "the F1 of characters needs a library that lm-eval does not bring"
    return ""


def task_name(task: JasterTask) -> str:
    """Return the name of a benchmark as a task of lm-eval."""
    return f"tanuki_{task.name}"


def _write_rows(path: Path, task: JasterTask, questions: Iterable[Question]) -> None:
    lines = (
        {"id": each.id, "input": each.input, "output": each.output, "labels": [*each.labels]}
        | {"compare": task.compare, "left_out": [*task.left_out]}
        for each in questions
    )
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")


def _task_file(task: JasterTask, folder: Path) -> str:
    """Return the YAML of a task: its values are JSON, which YAML includes, but for the name of a function."""
    fields: dict[str, Any] = {
        "task": task_name(task),
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(folder / f"{task.name}.jsonl")}},
        "test_split": "test",
        "num_fewshot": task.shots,
        "description": task.description(),
        "doc_to_text": f"{_BEFORE}{{{{input}}}}{_AFTER}",
        "doc_to_target": "{{output}}",
        "target_delimiter": "",
        "fewshot_delimiter": "\n\n",
        **_kind_of_output(task),
    }
    if task.shots:
        fields["dataset_kwargs"]["data_files"]["shown"] = str(folder / f"{task.name}_examples.jsonl")
        fields |= {"fewshot_split": "shown", "fewshot_config": {"sampler": "first_n"}}
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]
    if task.form == "text":
        lines.append("process_results: !function strict_scores.process_results")
    return "\n".join(lines) + "\n"


def _kind_of_output(task: JasterTask) -> Mapping[str, Any]:
    """Return the fields of a task that say what the model is asked for, and how it is scored."""

    def mean_of(metric: str) -> list[dict[str, Any]]:
        return [{"metric": metric, "aggregation": "mean", "higher_is_better": True}]

    if task.form == "text":
        settings = {"until": ["\n\n"], "max_gen_toks": task.max_tokens, "temperature": 0.0, "do_sample": False}
        return {"output_type": "generate_until", "generation_kwargs": settings, "metric_list": mean_of("strict")}
    if task.has_labels:
        choice = {"output_type": "multiple_choice", "doc_to_choice": "{{labels}}"}
        return {**choice, "doc_to_target": "{{labels.index(output)}}", "metric_list": mean_of("acc")}
    return {"output_type": "loglikelihood", "metric_list": mean_of("acc")}
