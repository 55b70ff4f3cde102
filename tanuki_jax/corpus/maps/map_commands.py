"""The work of `clean map`, and its output."""

import asyncio
import contextlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich import box
from rich.table import Table

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import progress
from tanuki_jax.base.tables import show
from tanuki_jax.config.endpoints import Endpoint
from tanuki_jax.corpus.cleaning.audit.sample import draw
from tanuki_jax.corpus.cleaning.pipeline import reading
from tanuki_jax.corpus.maps.embedders import Vectors, embed_by_endpoint, embed_ngrams, served
from tanuki_jax.corpus.maps.map_options import Map
from tanuki_jax.corpus.maps.map_page import MOST_CORPORA, points_of, write_map
from tanuki_jax.corpus.maps.separation import Separation, control, separation, share_of_second

FEWEST = 20
"""Fewest documents of a sample: numbers of fewer would say nothing."""


class Sample(NamedTuple):
    """Documents of one corpus."""

    name: str
    texts: Sequence[str]


def map_corpora(options: Map) -> None:
    """Draw samples, write the page and the picture, and print the numbers."""
    sources = _sources(options)
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    samples = [_sample(name, files, options) for name, files in sources]
    texts = [text for sample in samples for text in sample.texts]
    with progress("describing the texts", None):
        vectors = _embed(texts, options)
    starts = np.cumsum([0, *(len(sample.texts) for sample in samples)])
    parts = [vectors[start:stop] for start, stop in itertools.pairwise(starts)]
    with progress("comparing", None):
        rows = [*_comparisons(samples, parts, options.seed)]
        mixtures = [
            (sample.name, f"{1 - share:.1%}", f"{share:.1%}")
            for sample, part in list(zip(samples, parts, strict=True))[2:]
            for share in [share_of_second(parts[0], parts[1], part, options.seed)]
        ]
    with progress("drawing", None):
        labels = np.repeat(np.arange(len(samples)), np.diff(starts)).tolist()
        names = [sample.name for sample in samples]
        write_map(folder, points_of(vectors, options.seed), names, labels, texts, rows, mixtures)
    one, other = names[:2]
    show(
        _table(rows),
        *(f"{name}: {first} of {one} and {second} of {other}" for name, first, second in mixtures),
        f"the page: {folder / 'map.html'}, the picture: {folder / 'map.png'}",
    )


def _sources(options: Map) -> list[tuple[str, str]]:
    """Return (name, files) of each corpus. InputError if the options cannot be used."""
    sources = [(name, files) for name, _, files in (each.partition("=") for each in options.corpora)]
    if wrong := next((each for each, (name, files) in zip(options.corpora, sources, strict=True) if not files), None):
        raise InputError(f"--corpora {wrong} is not NAME=FILES")
    if not 2 <= len(sources) <= MOST_CORPORA or len({name for name, _ in sources}) < len(sources):
        raise InputError(f"--corpora needs 2 to {MOST_CORPORA} corpora, each with a name of its own")
    if options.endpoint and options.checkpoint:
        raise InputError("--endpoint and --checkpoint are two ways to describe the texts: give one of them")
    return sources


def _sample(name: str, files: str, options: Map) -> Sample:
    try:
        drawn = draw(reading((files,), options.text_field), options.count, options.seed)
    except InputError as error:
        raise InputError(f"the corpus {name} cannot be drawn from: {error}") from error
    if len(drawn) < FEWEST:
        raise InputError(f"{name} has {len(drawn)} different documents, and at least {FEWEST} are needed")
    return Sample(name, [document.text for document in drawn])


def _embed(texts: Sequence[str], options: Map) -> Vectors:
    if not options.endpoint and not options.checkpoint:
        return embed_ngrams(texts, options.seed)
    with contextlib.ExitStack() as stack:
        if options.checkpoint:
            endpoint = stack.enter_context(served(options.checkpoint))
        else:
            endpoint = Endpoint(url=options.endpoint, model=options.endpoint_model)
        return asyncio.run(embed_by_endpoint(texts, endpoint))


def _comparisons(samples: Sequence[Sample], parts: Sequence[Vectors], seed: int) -> Iterator[tuple[str, ...]]:
    for one, other in itertools.combinations(range(len(samples)), 2):
        found = separation(parts[one], parts[other], seed)
        yield _row(f"{samples[one].name} and {samples[other].name}", found)
    for sample, part in zip(samples, parts, strict=True):
        yield _row(f"control: two halves of {sample.name}", control(part, seed))


def _row(name: str, found: Separation) -> tuple[str, ...]:
    interval = f"{found.auc_low:.3f} to {found.auc_high:.3f}"
    return (name, f"{found.foreign:.1%}", f"{found.by_chance:.1%}", f"{found.auc:.3f}", interval)


def _table(rows: Sequence[Sequence[str]]) -> Table:
    table = Table("samples", "neighbours from the other", "by chance", "AUC", "95% interval", box=box.SIMPLE)
    for row in rows:
        table.add_row(*row)
    return table
