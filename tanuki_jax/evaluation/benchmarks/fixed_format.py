"""One question in two forms: with the number of an option alone as its answer, and answered freely.

The observation of the talk of February 2025: asked for the number alone, Tanuki-8B names a wrong option for the ski
lift; asked freely, it says the right word. The difference between the scores shows how much the form costs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.evaluation.benchmark import Ask, Benchmark, Chain, Item, Items, Scores, chat
from tanuki_jax.evaluation.data_rows import read_rows
from tanuki_jax.evaluation.graders.choice_answer import grade_choice
from tanuki_jax.evaluation.statistics.intervals import mean_interval

LABELS = ("1", "2", "3", "4", "5")
"""Numbers of the options."""
QUESTIONS = Path(__file__).parent / "data" / "everyday_questions.jsonl"
"""Questions that were written for this benchmark; the first is that on the ski lift."""
_FIXED = (
    "次の質問の答えを選択肢から1つ選び、その番号(1〜5の半角数字)だけを出力してください。"
    "ほかには何も書かないでください。"
)
_FREE = "次の質問に、自由な文章で答えてください。"


class FiveOptions(NamedTuple):
    """A question with five options."""

    question: str
    options: tuple[str, ...]
    right: str
    """Number of the right option."""

    @property
    def text(self) -> str:
        """Return the question with its options."""
        lines = [f"{label}. {option}" for label, option in zip(LABELS, self.options, strict=True)]
        return "\n".join((f"質問: {self.question}", "選択肢:", *lines))


@dataclass(frozen=True, kw_only=True)
class FixedFormat(Benchmark):
    """Questions of everyday life with five options.

    `free` is the score of free answers; `strict`, `flexible` and `control` are those of answers with the number alone.
    """

    title = "Fixed format against free answers"
    fixed_tokens: PositiveInt = 32
    """Most tokens of the answer that is a number."""
    free_tokens: PositiveInt = 512
    """Most tokens of the free answer."""

    @property
    def name(self) -> str:
        return "fixed_format"

    @property
    def metrics(self) -> tuple[str, ...]:
        return ("strict", "flexible", "control", "free")

    def load(self, data: Path) -> Items:
        return Items(tuple(_items(QUESTIONS)), (QUESTIONS,))

    def chain(self, item: Item) -> Chain:
        row: FiveOptions = item.row
        fixed, free = yield [
            _ask(_FIXED, row, self.fixed_tokens, "fixed format"),
            _ask(_FREE, row, self.free_tokens, "free answer"),
        ]
        values = dict.fromkeys(self.metrics, 0.0)
        if not fixed.failure:
            found = grade_choice(fixed.text, row.right, LABELS, row.options)
            values |= {
                "strict": float(found.strict),
                "flexible": float(found.flexible),
                "control": float(found.control),
            }
        if not free.failure:
            values["free"] = float(grade_choice(free.text, row.right, LABELS, row.options).flexible)
        return Scores(values)

    def overall(self, scored: Sequence[tuple[Item, Scores]]) -> Mapping[str, float]:
        """Return the mean of `free` less `strict` and its 95% interval, and the same against `flexible`.

        Against `flexible`, a number with words around it is no loss, so that only wrong options are left.
        """
        result: dict[str, float] = {}
        for name, metric in (("free_minus_fixed", "strict"), ("free_minus_fixed_flexible", "flexible")):
            values = [each.values["free"] - each.values[metric] for _, each in scored if each.values]
            if values:
                found = mean_interval(values, bounds=(-1.0, 1.0))
                result |= {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}
        return result


def _ask(instruction: str, row: FiveOptions, max_tokens: int, label: str) -> Ask:
    messages = [{"role": "user", "content": f"{instruction}\n\n{row.text}"}]
    return chat(messages, max_tokens=max_tokens, label=label)


def _items(path: Path) -> Iterator[Item]:
    for row in read_rows(path):
        found = FiveOptions(row["question"], tuple(row["options"]), str(row["answer"]))
        yield Item(row["id"], found.text, f"{found.right}. {found.options[LABELS.index(found.right)]}", row=found)
