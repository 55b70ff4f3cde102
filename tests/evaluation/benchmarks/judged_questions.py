"""Small files of questions for tests of judges."""

import json
from pathlib import Path
from typing import Any

QUESTIONS: list[dict[str, Any]] = [
    {"question_id": 1, "category": "writing", "turns": ["春の詩を書いて。", "題をつけて。"]},
    {"question_id": 2, "category": "math", "turns": ["三足す四は？", "それを倍にすると？"]},
    {"question_id": 3, "category": "stem", "turns": ["光とは何？", "速さは？"]},
]
_ANSWERS = [["春の模範", "題の模範"], ["参照7", "参照14"], ["光の模範", "速さの模範"]]
REFERENCES: list[dict[str, Any]] = [
    {"question_id": row["question_id"], "choices": [{"index": 0, "turns": turns}]}
    for row, turns in zip(QUESTIONS, _ANSWERS, strict=True)
]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as JSON lines."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def write_questions(
    folder: Path, questions: list[dict[str, Any]] = QUESTIONS, references: list[dict[str, Any]] = REFERENCES
) -> Path:
    """Write the files of a Japanese MT-Bench below a folder, and return it."""
    write_rows(folder / "mt_bench_ja" / "question.jsonl", questions)
    write_rows(folder / "mt_bench_ja" / "reference_gpt4o_human.jsonl", references)
    return folder
