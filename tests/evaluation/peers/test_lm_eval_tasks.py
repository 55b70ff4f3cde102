"""Files of tasks for lm-eval."""

import json
from pathlib import Path

import pytest
import yaml

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.benchmark import Benchmark
from tanuki_jax.evaluation.benchmarks.exact_formats import ExactFormats
from tanuki_jax.evaluation.benchmarks.jcommonsenseqa import JCommonsenseQa
from tanuki_jax.evaluation.benchmarks.jnli import Jnli
from tanuki_jax.evaluation.benchmarks.jsquad import Jsquad
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.evaluation.peers.lm_eval_tasks import write_lm_eval_tasks
from tanuki_jax.evaluation.peers.strict_scores import process_results
from tests.evaluation.benchmarks.jaster_data import write_jcommonsenseqa


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    pass


_Loader.add_constructor("!function", lambda loader, node: f"function {node.value}")


def _rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_task_renders_the_prompt_of_ours(tmp_path: Path) -> None:
    write_jcommonsenseqa(tmp_path)
    task = JCommonsenseQa(shots=1, form="text")
    evaluation = Evaluation(name="e", benchmarks=(task,), data=str(tmp_path), first=2)
    assert write_lm_eval_tasks(evaluation, tmp_path / "tasks").names == ["tanuki_jcommonsenseqa_1shot_text"]
    fields = yaml.load((tmp_path / "tasks" / f"{task.name}.yaml").read_text("utf-8"), _Loader)
    files = fields["dataset_kwargs"]["data_files"]
    shown, asked = (_rows(Path(files[part])) for part in ("shown", "test"))
    texts = [fields["doc_to_text"].replace("{{input}}", row["input"]) for row in (*shown, asked[0])]
    prompt = f"{fields['description']}{texts[0]}{shown[0]['output']}{fields['fewshot_delimiter']}{texts[1]}"
    assert prompt == task.prompt(*task.load(tmp_path).items[0].row) and len(asked) == 2
    assert fields["process_results"] == "function strict_scores.process_results"


@pytest.mark.parametrize(
    ("benchmark", "reason"),
    [
        (ExactFormats(), "exact_formats: lm-eval does not ask in this way"),
        (JCommonsenseQa(), "jcommonsenseqa_0shot: lm-eval does not ask in this way"),
        (Jsquad(form="text"), "the F1 of characters"),
        (Jnli(form="text"), "jnli_0shot_text: the data .* it is in the repository yahoojapan/JGLUE"),
    ],
)
def test_what_cannot_be_a_task_is_said(benchmark: Benchmark, reason: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"no benchmark can be a task of lm-eval: .*{reason}"):
        evaluation = Evaluation(name="e", benchmarks=(benchmark,), data=str(tmp_path))
        write_lm_eval_tasks(evaluation, tmp_path / "tasks")
    assert not (tmp_path / "tasks").exists()


def test_the_tasks_whose_data_are_there_are_written(tmp_path: Path) -> None:
    write_jcommonsenseqa(tmp_path)
    benchmarks = (Jnli(form="text"), JCommonsenseQa(form="text"), Jsquad(form="text"))
    names, missing = write_lm_eval_tasks(
        Evaluation(name="e", benchmarks=benchmarks, data=str(tmp_path)), tmp_path / "tasks"
    )
    assert names == ["tanuki_jcommonsenseqa_0shot_text"] and (tmp_path / "tasks").is_dir()
    assert [*missing] == ["jnli_0shot_text", "jsquad_0shot_text"]


@pytest.mark.parametrize(
    ("compare", "output", "answer", "score"),
    [
        ("exact", "3", "'３'\n\nなぜなら", 1),
        ("exact", "3", "3です", 0),
        ("number", "18", "18.0", 1),
        ("number", "18", "18個", 0),
        ("any_case", "B", "答え:b", 1),
    ],
)
def test_strict_scores(compare: str, output: str, answer: str, score: float) -> None:
    doc = {"compare": compare, "output": output, "left_out": ["答え:"]}
    assert process_results(doc, [answer]) == {"strict": score}
