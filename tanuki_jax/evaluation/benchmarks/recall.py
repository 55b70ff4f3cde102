"""Recall of facts whose answers are lists: how much of them is there, and how much is invented."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.corpus.coverage.facts import Fact, read_facts
from tanuki_jax.evaluation.benchmark import Benchmark, Chain, Item, Items, Scores, chat
from tanuki_jax.evaluation.graders.list_answer import grade_list

FACTS = Path(__file__).parent / "data" / "known_lists.yaml"
"""Facts that were written for this benchmark, that of the talk first."""
_AS_A_LIST = "当てはまるものの名前だけを、箇条書きで1行に1つずつ書いてください。"
MOST_INVENTED = 20
"""Most invented items that count, so that one endless answer does not decide the mean."""


@dataclass(frozen=True, kw_only=True)
class Recall(Benchmark):
    """Questions whose answers are lists.

    `f1` weighs both sides; `found` is the share of the items that are there, and `invented` the number of others in the
    answer, at most 20, where lower is better. An item that is repeated counts once.
    """

    title = "Recall of lists"
    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {"invented": (0.0, float(MOST_INVENTED))}
    lower_is_better = frozenset({"invented"})
    facts: str = ""
    """YAML or TSV file of facts, as `clean coverage` reads it; in YAML a fact may have `questions`, and `neutral`
    answers that count on neither side. Empty: 50 facts of the package."""
    max_tokens: PositiveInt = 512
    """Most tokens of an answer."""

    @property
    def name(self) -> str:
        return "recall"

    @property
    def metrics(self) -> tuple[str, ...]:
        return ("f1", "found", "invented")

    def load(self, data: Path) -> Items:
        path = data / self.facts if self.facts else FACTS
        return Items(tuple(item for fact in read_facts(path) for item in _items(fact)), (path,))

    def chain(self, item: Item) -> Chain:
        fact: Fact = item.row
        messages = [{"role": "user", "content": f"{item.question}\n{_AS_A_LIST}"}]
        [reply] = yield [chat(messages, max_tokens=self.max_tokens)]
        if reply.failure:
            # Nothing is invented in an answer that is not there, and that must not look good.
            return Scores({"f1": 0.0, "found": 0.0}, ("invented",), reply.failure)
        neutral = [spelling for word in fact.neutral for spelling in word.spellings]
        found = grade_list(reply.text, [word.spellings for word in fact.answers], neutral)
        invented = float(min(len(found.invented), MOST_INVENTED))
        note = f"invented: {', '.join(found.invented)}" if found.invented else ""
        return Scores({"f1": found.f1, "found": found.recall, "invented": invented}, note=note)


def _items(fact: Fact) -> Iterator[Item]:
    name = f"{fact.entity.name}, {fact.relation.name}"
    asked = fact.questions or (f"{fact.entity.name}の{fact.relation.name}をすべて挙げてください。",)
    expected = "、".join(word.name for word in fact.answers)
    for number, question in enumerate(asked):
        yield Item(f"{name}/{number}", question, expected, name, row=fact)
