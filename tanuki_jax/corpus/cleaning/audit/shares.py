"""Shares of categories with intervals, and how rules agree with them."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tanuki_jax.corpus.cleaning.draft import Draft, Rule, apply_to_each, seed_of
from tanuki_jax.corpus.cleaning.pipeline import names_of_rules

_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True)
class Share:
    """A share of a sample, and the interval in which that of the corpus is, with 95% confidence."""

    count: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Return the share of the sample."""
        return self.count / self.of


def share(count: int, of: int) -> Share:
    """Return a share with Wilson's interval (Wilson 1927), which stays inside [0, 1] for small counts too."""
    assert 0 <= count <= of > 0
    z2 = _NORMAL_95**2
    middle = (count + z2 / 2) / (of + z2)
    half = _NORMAL_95 / (of + z2) * math.sqrt(count * (of - count) / of + z2 / 4)
    return Share(count, of, max(0.0, middle - half), min(1.0, middle + half))


def shares_of(labels: Iterable[str]) -> dict[str, Share]:
    """Return category -> its share, the largest first."""
    counts = Counter(labels)
    return {label: share(count, counts.total()) for label, count in counts.most_common()}


@dataclass(frozen=True)
class RuleAgreement:
    """Documents of each category that a rule drops when it is the only one."""

    rule: str
    dropped: Mapping[str, int]
    precision: float
    """Share of unwanted documents among those that it drops; NaN if it drops none."""
    recall: float
    """Share of the unwanted documents that it drops; NaN if there are none."""


def agreements(
    rules: Sequence[Rule], labelled: Sequence[Mapping[str, str]], wanted: frozenset[str]
) -> list[RuleAgreement]:
    """Return how each rule, and all of them together, agree with labels.

    Args:
        rules: rules in their order.
        labelled: text, label and url of each document; an empty url: it has none.
        wanted: categories that are to be kept.
    """
    unwanted = sum(row["label"] not in wanted for row in labelled)
    found = []
    groups = [(name, (rule,)) for name, rule in zip(names_of_rules(tuple(rules)), rules, strict=True)]
    for name, group in [*groups, ("all rules", tuple(rules))]:
        dropped = _dropped(group, labelled)
        right = sum(count for label, count in dropped.items() if label not in wanted)
        found.append(RuleAgreement(name, dropped, _ratio(right, dropped.total()), _ratio(right, unwanted)))
    return found


def _dropped(rules: Sequence[Rule], labelled: Sequence[Mapping[str, str]]) -> Counter[str]:
    """Return category -> documents of it that one of the rules drops, or fails on."""
    left = [
        (Draft("", row["text"], {"url": row["url"]} if row["url"] else {}, seed=seed_of(row["text"])), row["label"])
        for row in labelled
    ]
    dropped: Counter[str] = Counter()
    for rule in rules:
        verdicts = apply_to_each(rule, [draft for draft, _ in left])
        dropped.update(label for (_, label), verdict in zip(left, verdicts, strict=True) if verdict)
        left = [pair for pair, verdict in zip(left, verdicts, strict=True) if not verdict]
    return dropped


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
