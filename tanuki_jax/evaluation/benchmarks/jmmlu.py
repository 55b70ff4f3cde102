"""JMMLU: knowledge of many subjects, four options (Yin et al. 2024, nlp-waseda/JMMLU)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import NonNegativeInt
from tanuki_jax.evaluation.benchmarks.jaster_task import ANNOUNCEMENTS, JasterTask, Question
from tanuki_jax.evaluation.data_rows import Row, fields_of
from tanuki_jax.evaluation.graders.choice_answer import grade_choice

LABELS = ("A", "B", "C", "D")


@dataclass(frozen=True, kw_only=True)
class Jmmlu(JasterTask):
    """JMMLU, answered with the letter of an option."""

    title = "JMMLU"
    kind = "jmmlu"
    compare = "any_case"
    left_out = ANNOUNCEMENTS
    has_labels = True
    # The leaderboard's sentence for this task is not published with its code; this one is ours.
    instruction = (
        "質問と4つの選択肢を入力として受け取り、最も適切な選択肢の記号をA、B、C、Dの中から1つだけ出力してください。"
        "他には何も含めないことを厳守してください。"
    )
    columns = ("question", *LABELS, "answer")
    how_to_get = "it is in the repository nlp-waseda/JMMLU, one CSV file a subject"
    path: str = "jmmlu/test"
    """Folder of CSV files, one a subject: question, four options, letter of the answer."""
    examples: str = "jmmlu/dev"
    """Folder of the examples, with files of the same names."""
    first: NonNegativeInt = 0
    """Number of items, the first ones of all subjects alike; 0: all."""

    def files(self, path: Path) -> tuple[Path, ...]:
        return tuple(sorted(path.glob("*.csv"))) if path.is_dir() else (path,)

    def questions(self, path: Path) -> list[Question]:
        files = self.files(path)
        if not files:
            raise InputError(f"the folder {path} has no CSV file; {self.how_to_get}")
        return [each for file in files for each in super(Jmmlu, self).questions(file)]

    def read(self, path: Path, number: int, row: Row) -> Iterator[Question]:
        if number == 1 and str(row.get("answer")).strip().lower() == "answer":
            return  # a line of names
        question, *texts, answer = fields_of(path, number, row, *self.columns)
        options = ",".join(f"{sign}.{text}" for sign, text in zip(LABELS, texts, strict=True))
        asked = f"質問：{question}\n選択肢：{options}"
        yield Question(f"{path.stem}/{number}", asked, answer, LABELS, tuple(texts), tags={"subject": path.stem})

    def flexible(self, answer: str, question: Question) -> float:
        return float(grade_choice(answer, question.output, LABELS, question.texts).flexible)

    def has_form(self, paragraph: str) -> bool:
        return paragraph.upper() in LABELS
