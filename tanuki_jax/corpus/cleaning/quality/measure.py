"""Agreement of rules and of the learned model with labels that people gave."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.cleaning.draft import Draft, Rule, seed_of
from tanuki_jax.corpus.cleaning.quality.labelled import Labelled
from tanuki_jax.corpus.cleaning.quality.linear_model import read_text
from tanuki_jax.corpus.cleaning.quality.training import folds_of, train_read

type Floats = npt.NDArray[np.float64]
type Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of scores with labels on texts that the model did not see."""

    accuracy: float
    """Share of texts of which the label is the more probable one."""
    auc: float
    """Probability that a good text has a higher score than a bad one (area under the ROC curve)."""


@dataclass(frozen=True, slots=True)
class RuleMeasure:
    """Effect of one rule alone on labelled texts."""

    bad_dropped: int
    good_dropped: int
    precision: float
    """Share of bad texts among those that it drops; NaN if it drops none."""
    recall: float
    """Share of the bad texts that it drops; NaN if there are none."""
    bad_cut: float
    """Share of the characters of bad texts that it removes from texts it keeps."""
    good_cut: float
    """Share of the characters of good texts that it removes from texts it keeps."""


def measure_model(labelled: Sequence[Labelled], shuffles: int = 3, folds: int = 5) -> Agreement:
    """Return the mean agreement of linear models, each trained on all folds but one and judged on that.

    Copies of a text are in one fold, so that no model is judged on a text that it saw. Everything that training
    learns, scales of features and the threshold included, it learns from its folds alone. About 12 s for 840 texts and
    each fold of five.
    """
    numbers: dict[str, int] = {}
    copies = np.array([numbers.setdefault(one.text, len(numbers)) for one in labelled])
    read = [read_text(one.text) for one in labelled]
    good = np.array([one.good for one in labelled])
    found = []
    for shuffle in range(shuffles):
        fold_of = folds_of(len(numbers), folds, shuffle)[copies]
        for fold in range(folds):
            inside, outside = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
            model = train_read([read[int(i)] for i in inside], good[inside])
            scores = np.array([model.score_read(read[int(i)]) for i in outside])
            found.append(agreement(scores, good[outside]))
    return Agreement(*np.mean([(one.accuracy, one.auc) for one in found], axis=0).tolist())


def agreement(scores: Floats, good: Bools) -> Agreement:
    """Return how scores from 0 to 1 agree with labels; texts with equal scores count half for the AUC."""
    _, rank, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[rank]  # the mean of the places of equal scores, from 1
    positive, negative = int(good.sum()), int((~good).sum())
    above = float(ranks[good].sum()) - positive * (positive + 1) / 2
    auc = above / (positive * negative) if positive and negative else float("nan")
    return Agreement(float(((scores >= 0.5) == good).mean()), auc)


def measure_rule(rule: Rule, labelled: Iterable[Labelled]) -> RuleMeasure:
    """Return what a rule does to labelled texts when it is the only one."""
    texts, dropped = {True: 0, False: 0}, {True: 0, False: 0}
    characters, cut = {True: 0, False: 0}, {True: 0, False: 0}
    for one in labelled:
        draft = Draft("", one.text, seed=seed_of(one.text))
        texts[one.good] += 1
        characters[one.good] += len(one.text)
        if rule.apply(draft):
            dropped[one.good] += 1
        else:
            cut[one.good] += max(len(one.text) - len(draft.text), 0)
    return RuleMeasure(
        bad_dropped=dropped[False],
        good_dropped=dropped[True],
        precision=_share(dropped[False], dropped[False] + dropped[True]),
        recall=_share(dropped[False], texts[False]),
        bad_cut=_share(cut[False], characters[False]),
        good_cut=_share(cut[True], characters[True]),
    )


def surviving(rules: Sequence[Rule], texts: Iterable[str]) -> float:
    """Return the share of the characters of texts that a list of rules keeps."""
    before = after = 0
    for text in texts:
        draft = Draft("", text, seed=seed_of(text))
        before += len(text)
        if not any(rule.apply(draft) for rule in rules):
            after += len(draft.text)
    return _share(after, before)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
