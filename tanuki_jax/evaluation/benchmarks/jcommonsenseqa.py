"""JCommonsenseQA: common sense in Japanese, five options (Kurihara et al. 2022, JGLUE)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tanuki_jax.evaluation.benchmarks.jaster_task import JasterTask, Question
from tanuki_jax.evaluation.data_rows import Row, fields_of
from tanuki_jax.evaluation.graders.choice_answer import grade_choice

LABELS = ("0", "1", "2", "3", "4")


@dataclass(frozen=True, kw_only=True)
class JCommonsenseQa(JasterTask):
    """JCommonsenseQA, answered with the number of an option."""

    title = "JCommonsenseQA"
    kind = "jcommonsenseqa"
    has_labels = True
    instruction = (
        "質問と回答の選択肢を入力として受け取り、選択肢から回答を選択してください。"
        "なお、回答は選択肢の番号（例：0）でするものとします。 "
        "回答となる数値をint型で返し、他には何も含めないことを厳守してください。"
    )
    how_to_get = "it is in the repository yahoojapan/JGLUE, datasets/jcommonsenseqa-v1.3"
    path: str = "jcommonsenseqa/jcommonsenseqa-valid-v1.3.json"
    """File of the items: q_id, question, choice0 to choice4, label."""
    examples: str = "jcommonsenseqa/jcommonsenseqa-train-v1.3.json"
    """File of the examples, with the same fields."""

    def read(self, path: Path, number: int, row: Row) -> Iterator[Question]:
        names = tuple(f"choice{label}" for label in LABELS)
        id, question, label, *texts = fields_of(path, number, row, "q_id", "question", "label", *names)
        options = ",".join(f"{sign}.{text}" for sign, text in zip(LABELS, texts, strict=True))
        yield Question(id, f"質問：{question}\n選択肢：{options}", label, LABELS, tuple(texts))

    def flexible(self, answer: str, question: Question) -> float:
        return float(grade_choice(answer, question.output, question.labels, question.texts).flexible)

    def has_form(self, paragraph: str) -> bool:
        return paragraph in LABELS
