"""Small hand-made runs, as `evaluate` writes them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

CATEGORIES = ("humanities", "writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem")


def item(
    name: str,
    scores: Mapping[str, float],
    *,
    question: str = "スキー場で人を運ぶものは何ですか。\n0. 椅子 1. 橋 2. リフト",
    expected: str = "2",
    answers: Sequence[Mapping[str, Any]] = ({"text": "3"},),
    **more: Any,
) -> dict[str, Any]:
    """Return an item with its answers."""
    complete = {"text": "", "cut": False, "failure": "", "by": "model"}
    base = {"id": name, "cluster": "", "tags": {}, "question": question, "expected": expected, "unreadable": []}
    return base | {"scores": dict(scores), "answers": [complete | dict(answer) for answer in answers]} | more


def recall_benchmark(invented: Sequence[float]) -> dict[str, Any]:
    """Return recall of lists, whose metric `invented` is better if it is lower."""
    items = [item(str(number), {"f1": 0.5, "invented": value}) for number, value in enumerate(invented)]
    made = benchmark("recall", "Recall of lists", items, ("f1", "invented"))
    made["metrics"]["invented"]["better"] = "lower"
    return made


def benchmark(name: str, title: str, items: Sequence[Mapping[str, Any]], metrics: Iterable[str]) -> dict[str, Any]:
    """Return a benchmark with the means of its items, each with an interval of .1 on both sides."""
    results = {}
    for metric in metrics:
        values = [each["scores"][metric] for each in items if metric in each["scores"]]
        mean = sum(values) / len(values) if values else None
        low, high = (None, None) if mean is None else (mean - 0.1, mean + 0.1)
        counts = {"items": len(values), "unreadable": len(items) - len(values)}
        results[metric] = {"mean": mean, "low": low, "high": high, **counts}
    answers = [answer for each in items for answer in each["answers"]]
    return {
        "name": name,
        "title": title,
        "scale": [1, 10] if "mt_bench" in name else [0, 1],
        "missing": "",
        "data": [{"path": f"data/{name}.jsonl", "sha256": "0" * 64}],
        "metrics": results,
        "overall": {},
        "failed": sum(bool(answer["failure"]) for answer in answers),
        "cut": sum(answer["cut"] for answer in answers),
        "items": list(items),
    }


def missing(name: str, title: str, reason: str) -> dict[str, Any]:
    """Return a benchmark that could not be run."""
    return benchmark(name, title, [], []) | {"missing": reason, "data": []}


def results(model: str, benchmarks: Sequence[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    """Return the results of a run."""
    return {
        "format": 1,
        "name": "tiny",
        "model": {"name": model, "fingerprint": f"{model} 0123456789abcdef0123456789abcdef", "urls": ["http://a/v1"]},
        "config": {"seed": 0},
        "versions": {"tanuki_jax": "0.1.0"},
        "started": "2026-11-30T18:00:00Z",
        "finished": "2026-11-30T18:10:00Z",
        "benchmarks": list(benchmarks),
    } | more


def write_run(folder: Path, value: Mapping[str, Any]) -> Path:
    """Write the results of a run into a folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    return folder


def choice_benchmark(right: int, *, failed: int = 0, cut: int = 0, unreadable: int = 0) -> dict[str, Any]:
    """Return JCommonsenseQA with twenty questions, of which the first ones are right, and the last ones faulty."""
    items = []
    for number in range(20):
        score = float(number < right)
        made: dict[str, Any] = item(
            str(8939 + number), {"strict": score, "flexible": score, "control": 1.0}, answers=[{"text": "2"}]
        )
        if number >= 20 - failed:
            made["answers"][0] |= {"text": "", "failure": "the server gave no answer within 60 s"}
        elif number >= 20 - failed - cut:
            made["answers"][0] |= {"text": "答えは" + "とても長い説明になりますが、" * 60, "cut": True}
        elif number >= 20 - failed - cut - unreadable:
            made["scores"] = {"strict": score, "control": 1.0}
            made["unreadable"] = ["flexible"]
        items.append(made)
    return benchmark("jcommonsenseqa_0shot", "JCommonsenseQA, 0-shot", items, ("strict", "flexible", "control"))


def mt_benchmark(shift: float) -> dict[str, Any]:
    """Return Japanese MT-Bench with two questions of two turns in each category."""
    items = [
        item(
            f"{81 + number}",
            {"score": 3.0 + shift + number % 5, "first_turn": 4.0, "second_turn": 3.0},
            question="京都の旅行記を書いてください。\n\nすべての文を「こそ」で始めて書き直してください。",
            expected="",
            tags={"category": CATEGORIES[number % 8]},
            answers=[
                {"text": "京都は古い都です。"},
                {"text": "評価: [[7]]", "by": "judge"},
                {"text": "こそ京都は古い都です。", "thought": "<think>「こそ」で始める</think>こそ京都は古い都です。"},
                {"text": "評価: [[6]]", "by": "judge"},
            ],
        )
        for number in range(16)
    ]
    return benchmark("mt_bench_ja", "Japanese MT-Bench", items, ("score", "first_turn", "second_turn"))


def level_benchmark(right: Mapping[str, int]) -> dict[str, Any]:
    """Return school problems with ten questions of each level, of which the first ones are right."""
    items = [
        item(
            f"{level}/{number}",
            {"correct": float(number < count)},
            question=f"{number} + {number} はいくつですか。",
            expected=str(2 * number),
            tags={"family": "arithmetic", "level": level},
            answers=[{"text": f"答えは{2 * number}です。"}],
        )
        for level, count in right.items()
        for number in range(10)
    ]
    return benchmark("school_problems", "School problems by rule", items, ("correct",))


def probe_benchmark(tier: str, right: float) -> dict[str, Any]:
    """Return the talk's four questions, and the tier that they give."""
    items = [item(f"{name}/0", {"correct": right}, tags={"question": name}) for name in ("q1", "q2", "q2a", "q2b")]
    shares = {"q1": right, "q2": right, "q2_complement": 0.0, "q2a": right, "q2b": right, f"tier: {tier}": 1.0}
    made = benchmark("probability_probe", "Probability, the talk's four questions", items, ("correct",))
    return made | {"overall": shares}


def write_two_runs(folder: Path) -> tuple[Path, Path]:
    """Write a run with faults and a missing benchmark, and a better one of a model that the board has."""
    levels = {"high": 1, "elementary": 8, "middle": 4}
    first = results(
        "tiny_dpo",
        [
            choice_benchmark(9, failed=1, cut=2, unreadable=3),
            mt_benchmark(0.0),
            level_benchmark(levels),
            missing("jmmlu_0shot", "JMMLU, 0-shot", "there is no file data/jmmlu; the README says how to get it"),
        ],
    )
    second = results(
        "Tanuki-8B-dpo-v1.0",
        [choice_benchmark(13), mt_benchmark(2.0), level_benchmark({name: 9 for name in levels})],
        finished="2026-11-30T20:00:00Z",
    )
    return write_run(folder / "tiny_dpo", first), write_run(folder / "tanuki_8b", second)
