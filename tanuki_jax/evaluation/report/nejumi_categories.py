"""Categories and weights of the Nejumi leaderboard 4, over the benchmarks that there are.

The table of its README (wandb/llm-leaderboard): a category is the mean of its parts, those of the Jaster family the
strict scores averaged over 0 and 2 examples, those of MT-Bench the mean rating of a category divided by ten; the total
of general language performance is the mean of the categories by weight. Parts that we do not have are named; a category
without any has no score. So a total here is comparable with another one here over the same parts, and not with the
leaderboard's, where no part is missing and alignment is a half of the score.

The tasks of the Jaster family are asked as leaderboard 3 does; its categories are others. The column
`nejumi_lb3_total` of the table `board` is the total of leaderboard 3, with which a total here is not comparable.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tanuki_jax.base.pages import Row
from tanuki_jax.evaluation.report.read_results import RunItem, RunResults
from tanuki_jax.evaluation.report.report_block import Block

MT_BENCH = "mt_bench_ja"
_NOTE = (
    "The total is the mean by weight of the categories that all models have here with the same parts. It is comparable "
    "with no total of a leaderboard: parts are missing, as is alignment, and nejumi_lb3_total is of leaderboard 3."
)
_SHOTS = (0, 2)


@dataclass(frozen=True, slots=True)
class Category:
    """A category of the leaderboard."""

    name: str
    weight: int
    jaster: tuple[str, ...] = ()
    """Kinds of our tasks of the Jaster family that are parts of it."""
    mt_bench: tuple[str, ...] = ()
    """Categories of MT-Bench that are parts of it."""
    others: tuple[str, ...] = ()
    """Parts that we do not have."""


CATEGORIES = (
    Category("expression", 1, mt_bench=("roleplay", "writing", "humanities")),
    Category("translation", 1, others=("ALT",)),
    Category("information retrieval", 1, jaster=("jsquad",)),
    Category("abstract reasoning", 2, others=("ARC-AGI",)),
    Category("logical reasoning", 2, mt_bench=("reasoning",)),
    Category("mathematical reasoning", 2, ("mgsm_ja",), ("math",), ("MAWPS",)),
    Category("general knowledge", 2, ("jcommonsenseqa",), ("stem",), ("JEMHopQA", "NIILC", "AIO")),
    Category("specialized knowledge", 2, ("jmmlu",), others=("MMLU-ProX", "HLE")),
    Category("semantic analysis", 1, ("jnli",), others=("JaNLI", "JSeM", "JSICK", "JAMP")),
    Category("syntactic analysis", 1, others=("JCoLA", "JBLiMP")),
    Category("coding", 2, mt_bench=("coding",), others=("SWE-Bench", "JHumanEval")),
    Category("function calling", 2, others=("BFCL",)),
)
"""The categories of general language performance; those of alignment have no part here but the control scores."""


@dataclass(frozen=True, slots=True)
class CategoryScore:
    """The score of a model in a category."""

    category: Category
    score: float | None
    """Mean of the parts that are there, from 0 to 1; None: there is none."""
    parts: tuple[str, ...]
    """Parts that are there."""
    missing: tuple[str, ...]
    """Parts that are not."""


def category_scores(run: RunResults) -> tuple[CategoryScore, ...]:
    """Return the scores of a model by category, from its results."""
    jaster, rated = dict[str, float](), dict[str, float]()
    for benchmark in run.benchmarks:
        strict = benchmark.metrics.get("strict")
        if strict is not None and strict.mean is not None:
            jaster[benchmark.name] = strict.mean
        if benchmark.name == MT_BENCH:
            rated = _by_category(benchmark.items)
    return tuple(_score(category, jaster, rated) for category in CATEGORIES)


def total(scores: Sequence[CategoryScore]) -> float | None:
    """Return the mean of the categories that have a score, by weight; None: none has one."""
    there = [(each.score, each.category.weight) for each in scores if each.score is not None]
    return sum(score * weight for score, weight in there) / sum(weight for _, weight in there) if there else None


def nejumi_block(runs: Sequence[RunResults]) -> Block | None:
    """Return a block with the categories side by side for all models; None: no model has a score in any.

    Categories without a score are left out. The total is over those that all models have with the same parts, so that
    the totals of two models can be compared.
    """
    found = [(run.label, category_scores(run)) for run in runs]
    found = [(label, scores) for label, scores in found if total(scores) is not None]
    if not found:
        return None
    rows, shared, absent = [], [], []
    for each in zip(*(scores for _, scores in found), strict=True):
        category = each[0].category
        if all(one.score is None for one in each):
            absent.append(category.name)
            continue
        lacking = _lacking({label: one.missing for (label, _), one in zip(found, each, strict=True)})
        rows.append(Row((category.name, lacking, str(category.weight), *_cells([one.score for one in each]))))
        if len({one.parts for one in each}) == 1:
            shared.append(category.name)
    totals = [total([one for one in scores if one.category.name in shared]) for _, scores in found]
    rows.append(Row((f"total of {len(shared)} of {len(CATEGORIES)} categories", "", "", *_cells(totals))))
    note = f"{_NOTE} Without a score: {', '.join(absent)}." if absent else _NOTE
    head = ("category", "missing parts", "weight", *(label for label, _ in found))
    return Block("Categories and weights of the Nejumi leaderboard 4", head, rows, left=2, note=note)


def _lacking(missing: Mapping[str, Sequence[str]]) -> str:
    """Return the parts that models (label -> parts) lack; a part that some have names those that lack it."""
    parts = dict.fromkeys(part for parts in missing.values() for part in parts)
    labels = {part: [label for label, parts in missing.items() if part in parts] for part in parts}
    return ", ".join(
        part if len(those) == len(missing) else f"{part} (of {', '.join(those)})" for part, those in labels.items()
    )


def _cells(values: Iterable[float | None]) -> list[str]:
    return ["–" if value is None else f"{value:.3f}" for value in values]


def _by_category(items: Iterable[RunItem]) -> dict[str, float]:
    """Return category -> mean rating divided by ten."""
    ratings: dict[str, list[float]] = {}
    for item in items:
        if "rating" in item.scores:
            ratings.setdefault(item.tags.get("category", ""), []).append(item.scores["rating"] / 10)
    return {category: statistics.fmean(values) for category, values in ratings.items()}


def _score(category: Category, jaster: dict[str, float], rated: dict[str, float]) -> CategoryScore:
    values: dict[str, float | None] = {}
    for kind in category.jaster:
        shots = [jaster.get(f"{kind}_{count}shot") for count in _SHOTS]
        there = [each for each in shots if each is not None]
        values[kind] = statistics.fmean(there) if len(there) == len(_SHOTS) else None
    values |= {f"MT-Bench {name}": rated.get(name) for name in category.mt_bench}
    found = {name: value for name, value in values.items() if value is not None}
    missing = (*(name for name in values if name not in found), *category.others)
    return CategoryScore(category, statistics.fmean(found.values()) if found else None, (*found,), missing)
