"""Tasks of lm-eval (EleutherAI's lm-evaluation-harness) that ask the same questions as ours, on local files.

They are written for tasks of the Jaster family in the forms that lm-eval has too: a text to continue, and
log-probabilities. lm-eval then needs nothing of this package.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tanuki_jax.base.atomic import new_folder
from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.benchmark import first_items
from tanuki_jax.evaluation.benchmarks.jaster_task import JasterTask, Question
from tanuki_jax.evaluation.evaluation_settings import Evaluation

_STRICT = Path(__file__).parent / "strict_scores.py"
_BEFORE, _AFTER = "### 入力:\n", "\n\n### 応答:\n"


def write_lm_eval_tasks(evaluation: Evaluation, folder: Path) -> list[str]:
    """Write a task of lm-eval for each benchmark that can be one, and return their names.

    Args:
        evaluation: benchmarks.
        folder: new folder of the tasks.

    Raises:
        InputError: the folder exists, data are missing, or no benchmark can be a task.
    """
    tasks = [each for each in evaluation.benchmarks if isinstance(each, JasterTask)]
    # The F1 of characters needs a library that lm-eval does not bring.
    tasks = [each for each in tasks if each.form == "loglikelihood" or _exact(each)]
    if not tasks:
        raise InputError(
            f"no benchmark of {evaluation.name} can be a task of lm-eval: those of --config=jaster_text can"
        )
    place = folder.absolute()
    with new_folder(place) as draft:
        for task in tasks:
            items = first_items(task.load(Path(evaluation.data)).items, evaluation.first)
            shown = task.shown_examples(Path(evaluation.data))[: task.shots] if task.shots else []
            _write_rows(draft / f"{task.name}.jsonl", task, (item.row[1] for item in items))
            _write_rows(draft / f"{task.name}_examples.jsonl", task, shown)
            (draft / f"{task.name}.yaml").write_text(_task_file(task, place), encoding="utf-8")
        (draft / _STRICT.name).write_text(_STRICT.read_text("utf-8"), encoding="utf-8")
    return [task_name(each) for each in tasks]


def _exact(task: JasterTask) -> bool:
    return task.form == "text" and task.compare != "characters"


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
