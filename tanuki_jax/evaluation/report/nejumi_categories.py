"""Categories and weights of the Nejumi leaderboard 4, over the benchmarks that there are.

The table of its README (wandb/llm-leaderboard): a category is the mean of its parts, those of the Jaster family the
strict scores averaged over 0 and 2 examples, those of MT-Bench the mean rating of a category divided by ten; the total
is the mean of the categories by weight. Parts that we do not have are named; a category without any has no score. So a
total here is comparable with another one here, and with the leaderboard's only if nothing is missing.
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tanuki_jax.base.pages import Row
from tanuki_jax.evaluation.report.read_results import RunItem, RunResults
from tanuki_jax.evaluation.report.report_block import Block

MT_BENCH = "mt_bench_ja"
_NOTE = (
    "The total is the mean by weight of the categories that have a score. It is the leaderboard's only if no part is "
    "missing."
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


def category_scores(runs: Iterable[RunResults]) -> tuple[CategoryScore, ...]:
    """Return the scores of one model by category.

    Args:
        runs: results of the model; of two with one benchmark the last counts.
    """
    jaster, rated = dict[str, float](), dict[str, float]()
    for run in runs:
        for benchmark in run.benchmarks:
            strict = benchmark.metrics.get("strict")
            if strict is not None and strict.mean is not None:
                jaster[benchmark.name] = strict.mean
            if benchmark.name == MT_BENCH:
                rated |= _by_category(benchmark.items)
    return tuple(_score(category, jaster, rated) for category in CATEGORIES)


def total(scores: Sequence[CategoryScore]) -> float | None:
    """Return the mean of the categories that have a score, by weight; None: none has one."""
    there = [(each.score, each.category.weight) for each in scores if each.score is not None]
    return sum(score * weight for score, weight in there) / sum(weight for _, weight in there) if there else None


def nejumi_block(runs: Sequence[RunResults]) -> Block | None:
    """Return a block with the categories side by side for all models; None: no model has a score in any.

    Runs of one model, by its fingerprint, count together.
    """
    models: dict[str, list[RunResults]] = {}
    for run in runs:
        models.setdefault(run.fingerprint, []).append(run)
    found = [(several[0].model, category_scores(several)) for several in models.values()]
    found = [(model, scores) for model, scores in found if total(scores) is not None]
    if not found:
        return None
    rows = [
        Row(
            (
                category.name,
                ", ".join(found[0][1][n].missing),
                str(category.weight),
                *_cells([s[n].score for _, s in found]),
            )
        )
        for n, category in enumerate(CATEGORIES)
    ]
    rows.append(Row(("total", "", "", *_cells([total(scores) for _, scores in found])), marked=True))
    head = ("category", "missing parts", "weight", *(model for model, _ in found))
    return Block("Categories and weights of the Nejumi leaderboard 4", head, rows, left=2, note=_NOTE)


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
