"""The work of `clean train`: what rules learn from texts."""

from pathlib import Path

import numpy as np
from rich import box
from rich.table import Table

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.tables import show
from tanuki_jax.corpus.cleaning.audit.sample import draw
from tanuki_jax.corpus.cleaning.clean_options import TrainPerplexity, TrainQuality, TrainStatistics
from tanuki_jax.corpus.cleaning.pipeline import reading

LEAST_TEXTS = 20
"""Least number of texts that a language model is trained on."""
_HELD_OUT = 10  # one text of ten is not trained on
_QUANTILES = (0.01, 0.5, 0.9, 0.99)


def train_quality(options: TrainQuality) -> None:
    """Train the quality model, and print accuracy and AUC on texts that it did not see."""
    from tanuki_jax.corpus.cleaning.quality.fasttext_model import train_fasttext
    from tanuki_jax.corpus.cleaning.quality.labelled import read_labelled
    from tanuki_jax.corpus.cleaning.quality.measure import measure_model
    from tanuki_jax.corpus.cleaning.quality.training import LEAST_LABELS, train

    labelled, model = read_labelled(Path(options.labelled)), Path(options.model)
    least = min(sum(each.good for each in labelled), sum(not each.good for each in labelled))
    if least < LEAST_LABELS:
        rarer = f"{least} texts with the rarer of the labels good and bad"
        raise InputError(f"{options.labelled} has {rarer}; give at least {LEAST_LABELS}")
    texts, good = [each.text for each in labelled], [each.good for each in labelled]
    model.parent.mkdir(parents=True, exist_ok=True)
    if options.kind == "fasttext":
        train_fasttext(texts, good, model)
    else:
        train(texts, good).save(model)
        if options.shuffles:
            show(f"{model} is trained; measuring {5 * options.shuffles} times takes longer (--shuffles 0: not at all)")
            found = measure_model(labelled, options.shuffles)
            show(
                f"on texts that it did not see (five folds, {options.shuffles} shuffles): "
                f"accuracy {found.accuracy:.3f}, AUC {found.auc:.3f}"
            )
    show(
        f"{sum(good):,} good and {len(good) - sum(good):,} bad texts: {model}; use it by --rules.quality.model {model}"
    )


def train_perplexity(options: TrainPerplexity) -> None:
    """Train the model of characters, and print the perplexities of texts that it did not see."""
    from tanuki_jax.corpus.cleaning.quality.character_model import train_characters

    texts, path = _texts(options.texts, options.text_field, options.count), Path(options.model)
    if len(texts) < LEAST_TEXTS:
        raise InputError(f"{options.texts} has {len(texts)} different texts; give at least {LEAST_TEXTS}")
    held_out = texts[::_HELD_OUT]
    model = train_characters((text for n, text in enumerate(texts) if n % _HELD_OUT), options.least_count)
    path.parent.mkdir(parents=True, exist_ok=True)
    model.save(path)
    found = np.quantile([model.perplexity(text) for text in held_out], _QUANTILES).tolist()
    shares = Table("share of texts", "perplexity up to", box=box.SIMPLE)
    for quantile, value in zip(_QUANTILES, found, strict=True):
        shares.add_row(f"{quantile:.0%}", f"{value:,.1f}")
    show(
        f"Perplexities of {len(held_out):,} texts that the model did not see, of {len(texts):,}:",
        shares,
        f"{path}; use it by --rules.perplexity.model {path} --rules.perplexity.most {found[-1]:.0f}",
    )


def train_statistics(options: TrainStatistics) -> None:
    """Set the limits of statistics to quantiles of good texts, and print them."""
    from tanuki_jax.corpus.cleaning.text_statistics import limits_from, save_limits

    texts, path = _texts(options.texts, options.text_field, options.count), Path(options.limits)
    limits = limits_from(texts, options.statistics, options.quantile)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_limits(path, limits)
    rows = Table("statistic", "least", "most", box=box.SIMPLE)
    for limit in limits:
        rows.add_row(limit.statistic, *(f"{x:.4g}" if np.isfinite(x) else "" for x in (limit.least, limit.most)))
    show(
        f"Limits that {options.quantile:.2%} of {len(texts):,} texts are beyond on either side:",
        rows,
        f"{path}; use it by --rules.statistics.limits-file {path}",
    )


def _texts(pattern: str, text_field: str, count: int) -> list[str]:
    """Return a random sample of the different texts of some files."""
    return [each.text for each in draw(reading((pattern,), text_field), count, seed=0)]
