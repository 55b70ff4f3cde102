"""MGSM in Japanese: word problems of the grade school (Shi et al. 2022, arXiv 2210.03057)."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tanuki_jax.evaluation.benchmarks.jaster_task import JasterTask, Question
from tanuki_jax.evaluation.data_rows import Row, fields_of
from tanuki_jax.evaluation.graders.maths_answer import states_value

EXAMPLES = (
    ("りんごが12個あります。3人で同じ数ずつ分けると、1人は何個もらえますか。", "4"),
    ("1冊150円のノートを4冊と、80円の鉛筆を1本買いました。全部で何円ですか。", "680"),
    ("けんたさんは毎日15分ずつ本を読みます。2週間では何分読みますか。", "210"),
    ("バスに28人乗っています。停留所で9人降りて、5人乗りました。今、何人乗っていますか。", "24"),
    ("長さ2mのリボンから25cmのリボンを6本切り取りました。残りは何cmですか。", "50"),
    ("定価2400円のシャツを25%引きで買いました。いくら払いましたか。", "1800"),
    ("妹は7歳で、兄は妹の年齢の2倍より1歳年上です。2人の年齢の合計は何歳ですか。", "22"),
    ("1時間に60km進む車で150km走ると、何分かかりますか。", "150"),
)
"""Problems with their answers."""


@dataclass(frozen=True, kw_only=True)
class MgsmJa(JasterTask):
    """MGSM in Japanese, answered with the number alone."""

    title = "MGSM (Japanese)"
    kind = "mgsm_ja"
    compare = "number"
    # The leaderboard's sentence for this task is not published with its code; this one is ours.
    instruction = (
        "与えられた算数の問題を解き、最終的な答えの数値だけを半角で出力してください。"
        "単位や途中の式など、他には何も含めないことを厳守してください。"
    )
    columns = ("question", "answer")
    how_to_get = "it is in the repository google-research/url-nlp, mgsm"
    path: str = "mgsm_ja/mgsm_ja.tsv"
    """File of the items: question and answer, separated by a tab, without a line of names."""
    examples: str = ""
    """File of the examples, with the same columns; empty: eight problems that were written for this project, because
    the public file has none besides its items."""

    def shown_examples(self, data: Path) -> list[Question]:
        if self.examples:
            return super().shown_examples(data)
        return [Question(f"example_{n}", f"問題：{text}", answer) for n, (text, answer) in enumerate(EXAMPLES)]

    def read(self, path: Path, number: int, row: Row) -> Iterator[Question]:
        question, answer = fields_of(path, number, row, "question", "answer")
        yield Question(str(number), f"問題：{question}", unicodedata.normalize("NFKC", answer).replace(",", ""))

    def flexible(self, answer: str, question: Question) -> float:
        return float(states_value(answer, Fraction(question.output), question=question.input))

    def has_form(self, paragraph: str) -> bool:
        return paragraph.isdigit()
