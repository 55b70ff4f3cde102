"""Timing of the loader: tokens a second that one core assembles into batches."""

import functools
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tanuki_jax.config.experiment import Data, Tokenizer
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.data.loader import Loader
from tanuki_jax.data.store import Input, Store, StoreWriter
from tanuki_jax.planning.bench.bench_results import Figures, Key, Measurement, Wrong
from tanuki_jax.planning.bench.sizes import Sizes
from tanuki_jax.planning.bench.timing import summarise

BENCHMARK = "loader"
VOCABULARY = 65_000
BATCHES = 50
"""Largest number of timed batches."""


def measurements(sizes: Sizes) -> Iterator[Measurement]:
    """Yield a measurement for each shape of a batch."""
    for rows, length in sizes.loader_rows:
        take = functools.partial(_measure, sizes, rows, length)
        case = f"{rows} x {length}, documents of mean {sizes.document}"
        key: Key = {"rows": rows, "time": length, "library": "tanuki_jax"}
        yield Measurement(BENCHMARK, case, "tanuki_jax", key, take, False)


def _measure(sizes: Sizes, rows: int, length: int, seconds: float) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        store = _store(Path(folder) / "synthetic", sizes)
        mixture = Mixture(sources=(Source(name="synthetic"),), stages=(Stage(weights={"synthetic": 1.0}),))
        data = Data(
            mixture="synthetic",
            tokenizer=Tokenizer(path="synthetic"),
            stores=folder,
            sequence_length=length,
            batch_rows=rows,
            held_out_share=0.0,
        )
        loader = Loader({"synthetic": store}, mixture, data, seed=0)
        first = loader.batch(0, slice(None))
        if not 0.9 < first.loss_weights.mean() <= 1:
            raise Wrong(f"{1 - first.loss_weights.mean():.0%} of the first batch is padding")
        samples: list[float] = []
        batches, cpu = 0, time.process_time()
        while batches < BATCHES and sum(samples) < max(seconds, 0.1):
            batches += 1
            start = time.perf_counter()
            loader.batch(batches, slice(None))
            samples.append(time.perf_counter() - start)
        cpu = time.process_time() - cpu
    timing, tokens = summarise(samples), rows * length
    rate: dict[str, float | str] = {"tokens/s": tokens / timing.median, "tokens/s a core": tokens * batches / cpu}
    return Figures(
        timing=timing, tokens=tokens, moved_bytes=sum(array.nbytes for array in first if array is not None), notes=rate
    )


def _store(folder: Path, sizes: Sizes) -> Store:
    """Write a store of random tokens, in documents of exponentially distributed lengths."""
    random = np.random.default_rng(0)
    lengths = np.maximum(1, random.exponential(sizes.document, sizes.stored_tokens // sizes.document)).astype(np.int64)
    tokens = random.integers(0, VOCABULARY, lengths.sum()).astype(np.uint16)
    digests = random.integers(0, 2**63, len(lengths)).astype(np.uint64)
    with StoreWriter(
        folder,
        source=folder.name,
        tokenizer_fingerprint="",
        vocabulary=VOCABULARY,
        inputs=[Input("synthetic", 1)],
        settings={},
    ) as writer:
        writer.append(tokens, lengths, digests, np.zeros(len(lengths), np.int32), np.arange(1, len(lengths) + 1))
        return writer.commit({})
