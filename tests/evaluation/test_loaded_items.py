"""Items of damaged data: each file that is not what it should be is a reason in words, and never a fault."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanuki_jax.evaluation.benchmark import Benchmark
from tanuki_jax.evaluation.benchmarks.held_out_texts import HeldOutTexts
from tanuki_jax.evaluation.benchmarks.jcommonsenseqa import JCommonsenseQa
from tanuki_jax.evaluation.benchmarks.jmmlu import Jmmlu
from tanuki_jax.evaluation.benchmarks.jnli import Jnli
from tanuki_jax.evaluation.benchmarks.jsquad import Jsquad
from tanuki_jax.evaluation.benchmarks.jsts import Jsts
from tanuki_jax.evaluation.benchmarks.mgsm_ja import MgsmJa
from tanuki_jax.evaluation.benchmarks.mt_bench_ja import MtBenchJa
from tanuki_jax.evaluation.benchmarks.pairwise import Pairwise
from tanuki_jax.evaluation.benchmarks.recall import Recall
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.evaluation.loaded_items import Loaded, grouped, load_items
from tests.client.any_json import json_near

SENTENCES = {"sentence_pair_id": "1", "sentence1": "犬。", "sentence2": "猫。", "yjcaptions_id": "1-2-3"}
ANSWERS = [{"text": "京都"}]
ARTICLES = {"data": [{"paragraphs": [{"context": "都", "qas": [{"id": "1", "question": "？", "answers": ANSWERS}]}]}]}
EXAMPLES: list[tuple[Benchmark, Any]] = [
    (
        JCommonsenseQa(path="f.json"),
        {"q_id": 1, "question": "？", "label": 0, **{f"choice{n}": f"{n}の札" for n in range(5)}},
    ),
    (Jnli(path="f.json"), {**SENTENCES, "label": "neutral"}),
    (Jsts(path="f.json"), {**SENTENCES, "label": 2.4}),
    (Jsquad(path="f.json"), ARTICLES),
    (MgsmJa(path="f.json"), {"question": "？", "answer": 18}),
    (Jmmlu(path="f.json"), {"question": "？", "A": 1, "B": 2, "C": 3, "D": 4, "answer": "A"}),
    (MtBenchJa(questions="f.json", references="f.json"), {"question_id": 1, "category": "math", "turns": ["？", "？"]}),
    (
        Pairwise(questions="f.json", baseline_answers="f.json"),
        {"id": "1", "turns": ["？"], "choices": [{"turns": ["。"]}]},
    ),
    (
        Recall(facts="f.yaml"),
        [{"entity": "タヌキ", "relation": "好物", "answers": ["柿の実", ["木の実", "きのみ"]], "questions": ["？"]}],
    ),
    (HeldOutTexts(paths=("f.jsonl",)), {"text": "狸がいた。"}),
]
NAMES = [type(benchmark).__name__ for benchmark, _ in EXAMPLES]


def loaded(benchmark: Benchmark, folder: Path, content: bytes) -> Loaded | str:
    """Return the items of a benchmark whose file has this content."""
    for suffix in ("json", "jsonl", "yaml"):
        (folder / f"f.{suffix}").write_bytes(content)
    return load_items(benchmark, Evaluation(name="e", benchmarks=(benchmark,), data=str(folder)))


@pytest.mark.parametrize(("benchmark", "example"), EXAMPLES, ids=NAMES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_odd_rows_are_reasons_or_items(benchmark: Benchmark, example: Any, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert isinstance(loaded(benchmark, Path(folder), json.dumps(example).encode()), Loaded)
        row = data.draw(json_near(example))
        found = loaded(benchmark, Path(folder), json.dumps(row).encode())
        assert isinstance(found, str | Loaded)


@pytest.mark.parametrize("content", [b"", b"\n", b"[", b"\xff\xfe\0", b"\x1f\x8b\x08", b"PAR1", b'"\\ud800"'])
@pytest.mark.parametrize(("benchmark", "example"), EXAMPLES, ids=NAMES)
def test_files_of_something_else_are_reasons(
    benchmark: Benchmark, example: Any, content: bytes, tmp_path: Path
) -> None:
    assert isinstance(loaded(benchmark, tmp_path, content), str)


@pytest.mark.parametrize(
    ("benchmark", "change", "reason"),
    [
        (EXAMPLES[0][0], {"label": 5}, "the answer '5', and must have one of 0, 1, 2, 3, 4"),
        (EXAMPLES[1][0], {"label": "unknown"}, "must have one of entailment, contradiction, neutral"),
        (EXAMPLES[2][0], {"label": 5.5}, "the answer '5.5', and must have a number from 0 to 5"),
        (EXAMPLES[2][0], {"label": "high"}, "the answer 'high', and must have a number from 0 to 5"),
        (EXAMPLES[4][0], {"answer": "十八"}, "the answer '十八', and must have a number"),
        (EXAMPLES[5][0], {"answer": "E"}, "the answer 'E', and must have one of A, B, C, D"),
    ],
)
def test_right_answers_that_cannot_be_given_are_reasons(
    benchmark: Benchmark, change: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    [example] = [row for each, row in EXAMPLES if each is benchmark]
    found = loaded(benchmark, tmp_path, json.dumps({**example, **change}).encode())
    assert isinstance(found, str) and "row 1 of" in found and reason in found


def test_an_empty_phrase_is_no_right_answer(tmp_path: Path) -> None:
    content = json.dumps(ARTICLES, ensure_ascii=False).replace("京都", " ")
    assert "article 1 of" in str(found := loaded(Jsquad(path="f.json"), tmp_path, content.encode()))
    assert "the answer ' ' to '1'" in str(found)


def test_a_folder_in_the_place_of_a_file_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "f.json").mkdir()
    found = load_items(Jnli(path="f.json"), Evaluation(name="e", benchmarks=(Jnli(),), data=str(tmp_path)))
    assert "cannot be read" in str(found)


def test_equal_reasons_are_said_once() -> None:
    assert grouped({"a": "x", "b": "y", "c": "x"}) == ["a, c: x", "b: y"]


def test_halves_of_surrogate_pairs_are_read(tmp_path: Path) -> None:
    content = json.dumps(ARTICLES, ensure_ascii=False).replace("都", "\\ud800")
    assert isinstance(loaded(Jsquad(path="f.json"), tmp_path, content.encode()), Loaded)
