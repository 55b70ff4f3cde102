"""JNLI: whether a sentence follows from another (Kurihara et al. 2022, JGLUE)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tanuki_jax.evaluation.benchmarks.jaster_task import JasterTask, Question, picture_of
from tanuki_jax.evaluation.data_rows import Row, fields_of
from tanuki_jax.evaluation.graders.choice_answer import grade_choice

LABELS = ("entailment", "contradiction", "neutral")


@dataclass(frozen=True, kw_only=True)
class Jnli(JasterTask):
    """JNLI, answered with one of three words."""

    title = "JNLI"
    kind = "jnli"
    compare = "any_case"
    has_labels = True
    instruction = (
        "前提と仮説の関係をentailment、contradiction、neutralの中から回答してください。"
        "それ以外には何も含めないことを厳守してください。\n\n制約：\n"
        "- 前提から仮説が、論理的知識や常識的知識を用いて導出可能である場合はentailmentと出力\n"
        "- 前提と仮説が両立しえない場合はcontradictionと出力\n- そのいずれでもない場合はneutralと出力"
    )
    how_to_get = "it is in the repository yahoojapan/JGLUE, datasets/jnli-v1.3"
    path: str = "jnli/valid-v1.3.json"
    """File of the items: sentence_pair_id, sentence1, sentence2, label."""
    examples: str = "jnli/train-v1.3.json"
    """File of the examples, with the same fields."""

    def read(self, path: Path, number: int, row: Row) -> Iterator[Question]:
        names = "sentence_pair_id", "sentence1", "sentence2", "label"
        id, premise, hypothesis, label = fields_of(path, number, row, *names)
        yield Question(id, f"前提：{premise}\n仮説：{hypothesis}", label, LABELS, cluster=picture_of(row))

    def flexible(self, answer: str, question: Question) -> float:
        return float(grade_choice(answer.lower(), question.output, LABELS, ()).flexible)

    def has_form(self, paragraph: str) -> bool:
        return paragraph.lower() in LABELS
