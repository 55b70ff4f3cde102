"""JSTS: how close the meanings of two sentences are, from 0 to 5 (Kurihara et al. 2022, JGLUE)."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tanuki_jax.evaluation.benchmark import Item, Scores
from tanuki_jax.evaluation.benchmarks.jaster_task import JasterTask, Question, picture_of
from tanuki_jax.evaluation.data_rows import Row, fields_of
from tanuki_jax.evaluation.graders.float_answer import floats_equal, leaderboard_float
from tanuki_jax.evaluation.statistics.correlation import Method, correlation_of

METHODS: tuple[Method, ...] = ("pearson", "spearman")
LOWEST, HIGHEST = 0, 5
_STATED = "stated"
_CLOSE = 0.5
"""Greatest difference of a number that counts as right in the flexible score."""


@dataclass(frozen=True, kw_only=True)
class Jsts(JasterTask):
    """JSTS, answered with a number."""

    title = "JSTS"
    kind = "jsts"
    compare = "number"
    instruction = (
        "日本語の文ペアの意味がどのくらい近いかを判定し、類似度を0〜5までの間の値が付与してください。"
        "0に近いほど文ペアの意味が異なり、5に近いほど文ペアの意味が似ていることを表しています。"
        "整数値のみを返し、それ以外には何も含めないことを厳守してください。"
    )
    how_to_get = "it is in the repository yahoojapan/JGLUE, datasets/jsts-v1.3"
    path: str = "jsts/valid-v1.3.json"
    """File of the items: sentence_pair_id, sentence1, sentence2, label."""
    examples: str = "jsts/train-v1.3.json"
    """File of the examples, with the same fields."""

    def read(self, path: Path, number: int, row: Row) -> Iterator[Question]:
        names = "sentence_pair_id", "sentence1", "sentence2", "label"
        id, first, second, label = fields_of(path, number, row, *names)
        right = unicodedata.normalize("NFKC", label)
        yield Question(id, f"文1：{first}\n文2：{second}", right, cluster=picture_of(row))

    def wanted(self, question: Question) -> str:
        in_range = not super().wanted(question) and LOWEST <= float(question.output) <= HIGHEST
        return "" if in_range else f"a number from {LOWEST} to {HIGHEST}"

    def flexible(self, answer: str, question: Question) -> float:
        return float(floats_equal(answer, question.output, _CLOSE))

    def has_form(self, paragraph: str) -> bool:
        return bool(re.fullmatch(r"[0-5](?:\.\d+)?", paragraph)) and float(paragraph) <= 5

    def further(self, answer: str) -> Mapping[str, float]:
        return {_STATED: leaderboard_float(answer)}

    def overall(self, scored: Sequence[tuple[Item, Scores]]) -> Mapping[str, float]:
        pairs = [(float(item.expected), scores.values[_STATED]) for item, scores in scored if _STATED in scores.values]
        right, stated = np.array(pairs, np.float64).reshape(-1, 2).T
        if not len(pairs) or np.ptp(right) == 0 or np.ptp(stated) == 0:
            return {}
        return {method: correlation_of(right, stated, method) for method in METHODS}
