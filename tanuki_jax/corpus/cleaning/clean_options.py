"""Options of `clean` and of what it can do besides."""

import dataclasses
from typing import Annotated, Literal

import tyro

from tanuki_jax.config.limits import Limits, NonNegativeInt, PositiveInt, Seed
from tanuki_jax.corpus.cleaning.engines.engine_options import EngineOptions
from tanuki_jax.corpus.cleaning.rules.statistics import JAPANESE


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Run:
    """Options of a run besides those of its engine, which --help shows after them."""

    out: str = ""
    """Folder of the run; empty: corpora/NAME."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run(EngineOptions, _Run):
    """Clean the inputs of a pipeline. Killed and started again, it goes on; what did not change is not done again.

    `clean score`, `clean audit` and `clean train quality`, `perplexity` or `statistics` have options of their own:
    score documents by the rules, label a sample and see how the rules agree, and train the rule of that name on texts.
    `clean coverage` counts how often a corpus says facts, `clean map` shows how corpora mix. Each answers --help.
    """


@dataclasses.dataclass(frozen=True, kw_only=True)
class Score:
    """Write, for each document of a file and in its order, whether the rules keep it, a score, and the reasons."""

    input: str
    """File of documents."""
    output: str
    """File to write: JSON lines with id, keep, score, reasons."""
    text_field: str = "text"
    """Field of JSON lines and Parquet rows that holds the text."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Audit:
    """Draw a random sample of the inputs, label it in the terminal or by a judge, and show what a corpus consists of.

    Labels are kept in a file, so that labelling can be ended and gone on with.
    """

    labels: str
    """File of the labels, JSON lines with id, text, label; made if it is not there."""
    count: PositiveInt = 200
    """Size of the sample."""
    seed: Seed = 0
    """Seed of the sample."""
    categories: tuple[str, ...] = ("knowledge", "story", "dialogue", "advertisement", "list", "noise", "other")
    """Categories to choose from."""
    wanted: tuple[str, ...] = ("knowledge", "story", "dialogue")
    """Categories that the rules are to keep."""
    judge: str = ""
    """Address of an OpenAI-compatible endpoint that labels; empty: a person in the terminal."""
    judge_model: str = ""
    """Name of the judge's model; empty: the one that it serves."""
    show: bool = False
    """Only show the figures of the labels that are there."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainQuality:
    """Train the model of the rule quality on labelled texts, and say how good it is on texts that it did not see."""

    labelled: tyro.conf.Positional[str]
    """File of labelled texts: TEXT, a tab, good or bad; or JSON lines with text and label."""
    model: tyro.conf.Positional[str]
    """File to write, for --rules.quality.model."""
    kind: Literal["linear", "fasttext"] = "linear"
    """Model: linear, ours on n-grams of characters and morphemes, which is better on few labels; or fastText's."""
    shuffles: NonNegativeInt = 3
    """Number of times that the texts are dealt into five folds to measure accuracy and AUC; 0: not measured."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class _GoodTexts:
    """Texts from which a rule learns."""

    texts: tyro.conf.Positional[str]
    """Files of good texts, as one path or one pattern in quotes, in any format that is cleaned."""
    text_field: str = "text"
    """Field of JSON lines and Parquet rows that holds the text."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainPerplexity(_GoodTexts):
    """Train the model of the rule perplexity on good texts, and show the perplexities of texts that it did not see.

    The documents of another run are best, because they are clean.
    """

    model: tyro.conf.Positional[str]
    """File to write, for --rules.perplexity.model."""
    count: PositiveInt = 5_000
    """Greatest number of texts that are used, a random sample. Training takes 100 bytes a character of them."""
    least_count: PositiveInt = 1
    """Least count of an n-gram of three or more characters that is stored; 2 makes the file less than half as
    large."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainStatistics(_GoodTexts):
    """Set the limits of the rule statistics to quantiles of good texts, as FineWeb2 does it for each language.

    The documents of another run are best, because they are clean.
    """

    limits: tyro.conf.Positional[str]
    """File to write, for --rules.statistics.limits-file: JSON that you may edit."""
    count: PositiveInt = 20_000
    """Greatest number of texts that are used, a random sample."""
    quantile: Annotated[float, Limits(above=0, below=0.5)] = 0.01
    """Share of the texts that is beyond each limit."""
    statistics: tuple[str, ...] = tuple(limit.statistic for limit in JAPANESE)
    """Statistics that get limits; an unknown name is answered with all names."""
