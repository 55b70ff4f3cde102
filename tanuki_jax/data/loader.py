"""Batches as a pure function of config, seed and data step, for any number of hosts.

`mixing` gives source and row of the source for each row of a batch; `read_positions` gives the epoch of that row and
the row in its plan; `packing` gives the fragments of that row; the store gives their tokens. No step depends on batches
that were read before, so any host reads any rows of any batch, and a run resumes at any data step.
"""

import dataclasses
import functools
import hashlib
import itertools
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import grain
import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Data
from tanuki_jax.config.mixture import Mixture
from tanuki_jax.data import mixing, packing
from tanuki_jax.data.batch import Batch
from tanuki_jax.data.loss_weights import from_codes
from tanuki_jax.data.mixing import RowMixture
from tanuki_jax.data.open_stores import check_lengths, documents_per_record
from tanuki_jax.data.packing import KEPT_FROM_FRAGMENTS, Integers, Plan, Settings, Spans, Split, ranges
from tanuki_jax.data.plan_cache import PlanCache
from tanuki_jax.data.read_positions import Reading, SourceOrder, begin, make_plan
from tanuki_jax.data.store import Store, Tokens

type HostBatch = Batch[npt.NDArray[Any]]

AHEAD = 7 / 8
"""Share of an epoch after which the plan of the next one is made."""


class Fragment(NamedTuple):
    """Part of a document in one row: `length` inputs from token `start` of the document on."""

    source: str
    epoch: int
    document: int
    start: int
    length: int


def data_step_of(step: int, skipped: Sequence[int]) -> int:
    """Return the data step that training step `step` reads, both from 0, given the skipped data steps, ascending."""
    for data_step in skipped:
        step += data_step <= step
    return step


class Loader:
    """Random access to the batches of a run. All methods may be called from any number of threads."""

    def __init__(
        self,
        stores: Mapping[str, Store],
        mixture: Mixture,
        data: Data,
        seed: int,
        plans_kept_from: int = KEPT_FROM_FRAGMENTS,
    ) -> None:
        """Check the stores; plans are made when they are needed.

        Args:
            stores: store of every source that some stage reads or that is held out.
            mixture: sources and their weights.
            data: shape of the batches.
            seed: seed of the order.
            plans_kept_from: fragments from which on a plan is written to disk.

        Raises:
            InputError: a source has no training documents, or, if it is held out, none at all; sources have different
                numbers of documents a record; or a record does not fit into a row.
        """
        self._stores = {source.name: stores[source.name] for source in mixture.stored}
        self._held_out = {source.name for source in mixture.stored if source.held_out}
        self._weights = mixture
        self._data = data
        self._seed = seed
        self._plans_kept_from = plans_kept_from
        self.set_reading(Reading())
        self.trained_sources = self._mixture.sources
        """Sources that some stage reads."""
        self.vocabulary = max(store.vocabulary for store in self._stores.values())
        """Largest vocabulary of the stores."""
        self.held_out_sources = tuple(name for name in self._stores if self._has_documents(name, "held_out"))
        """Sources that have held-out documents."""
        splits: dict[str, Split] = {name: "held_out" if name in self._held_out else "train" for name in self._stores}
        if empty := [name for name, split in splits.items() if not self._has_documents(name, split)]:
            raise InputError(
                f"{', '.join(empty)} in {data.stores} have no document with a token to predict; take them out of the "
                "mixture"
            )
        self.documents_per_record = documents_per_record(self._stores)
        """Adjacent documents of a record in a row: 1; or 2 of a preference, or 3 with another prompt's answer."""
        check_lengths(self._stores, data.sequence_length)
        self._reference: Mapping[str, npt.NDArray[np.float32]] | None = None

    def set_reading(self, reading: Reading) -> None:
        """Read each source from where `reading` begins, in batches of its sizes; without it, from the first row on. To
        be called while no batch is read."""
        self._reading = reading
        self._mixture = RowMixture(self._weights, self._data.batch_rows, reading.batch_rows)
        self._plans = PlanCache(self._plan)
        self._orders = {}
        for name in self._mixture.sources:
            store = self._stores[name]
            first = begin(reading.begins.get(name), store, Settings.of(self._data, "train", self._seed, 0))
            self._orders[name] = SourceOrder(first, functools.partial(self._plans.get, name))

    def reading(self, data_step: int, skipped: Sequence[int]) -> Reading:
        """Return what has been read before `data_step`, skipped data steps included, of which later ones count as read
        too."""
        consumed, ahead = self._mixture.consumed, [step for step in skipped if step >= data_step]
        positions = {
            name: order.position(
                consumed(data_step)[name], [(consumed(step)[name], consumed(step + 1)[name]) for step in ahead]
            )
            for name, order in self._orders.items()
        }
        return Reading(
            begins=self._reading.begins,
            batch_rows=self._batches_before(data_step + 1),
            positions=positions | {name: at for name, at in self._reading.begins.items() if name not in positions},
        )

    @property
    def continued(self) -> tuple[str, ...]:
        """Return the sources that are not read from their first row on."""
        return tuple(name for name, order in self._orders.items() if not order.begins.at_start)

    def set_reference(self, reference: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Add `reference_logps` to all batches. To be called before the first batch is read.

        Args:
            reference: source -> float32[documents], a reference model's log-probability of each document of the store,
                summed over the targets that count.
        """
        for name, store in self._stores.items():
            assert reference[name].shape == (store.documents,), name
        self._reference = reference

    @property
    def fingerprint(self) -> str:
        """Return a hash of the data that determines all batches: documents, weights, shape, order, versions of the
        code."""
        return self._fingerprint(self._mixture.description(), self._mixture.batches)

    def fingerprint_before(self, data_step: int) -> str:
        """Return a hash of the data that determines the batches before `data_step`. Stages that begin later, and what
        only they read, are not part of it: they may still change."""
        begun = [stage for stage in self._mixture.description() if stage[0] < max(data_step, 1)]
        read = [name for name in self._mixture.sources if any(shares[name] for _, shares in begun)]
        stages = [(from_step, {name: shares[name] for name in read}) for from_step, shares in begun]
        return self._fingerprint(stages, self._batches_before(data_step))

    def has_made(self, fingerprint: str, data_step: int) -> bool:
        """Whether batches before `data_step` that were made by data of this fingerprint are those of this loader."""
        in_full = self._fingerprint(self._mixture.description(), self._batches_before(data_step))
        return fingerprint in (self.fingerprint_before(data_step), in_full)

    def _batches_before(self, data_step: int) -> tuple[tuple[int, int], ...]:
        """Return first data step and rows of each size of batches that begins before `data_step`."""
        return tuple(size for size in self._mixture.batches if size[0] < max(data_step, 1))

    def _fingerprint(self, stages: Sequence[tuple[int, Mapping[str, int]]], batches: Sequence[tuple[int, int]]) -> str:
        data, read = self._data, stages[0][1].keys()
        parts: dict[str, object] = {
            "stores": {name: store.fingerprint for name, store in self._stores.items() if name in read},
            "stages": stages,
            "shape": [batches[0][1] if len(batches) == 1 else batches, data.sequence_length],
            "order": [self._seed, data.window_documents, data.held_out_share],
            "versions": [packing.VERSION, mixing.VERSION],
        }
        if begins := {name: self._orders[name].begins.description() for name in self.continued if name in read}:
            parts["begins"] = begins
        if self._reference is not None:
            parts["reference"] = {
                name: hashlib.blake2b(self._reference[name].tobytes()).hexdigest()
                for name in self._stores
                if name in read
            }
        return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()

    def batch(self, data_step: int, rows: Sequence[int] | slice) -> HostBatch:
        """Return rows of the batch of `data_step`, [len(rows), T], independent of all other calls."""
        chosen = np.arange(self.batch_rows(data_step))[rows]
        return self._assemble(self._locate(data_step, chosen), len(chosen))

    def iterate(
        self, first: int, rows: Sequence[int] | slice, skipped: Sequence[int] = ()
    ) -> Iterator[tuple[int, HostBatch]]:
        """Yield data steps from `first` on, without those in `skipped`, and their rows, read ahead by threads.

        The iterator is endless; closing it ends the threads.
        """
        steps = _Steps(self, first, rows, sorted(step for step in skipped if step >= first))
        threads = self._data.read_threads
        options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=2 * threads)
        batches = iter(grain.MapDataset.source(steps).to_iter_dataset(options))
        try:
            yield from batches
        finally:
            batches.close()

    def trace(self, data_step: int) -> list[list[Fragment]]:
        """Return the fragments of every row of a batch, in their order in the row."""
        rows = self.batch_rows(data_step)
        traced: list[list[Fragment]] = [[] for _ in range(rows)]
        for source, epoch, positions, (row_sizes, *columns) in self._locate(data_step, np.arange(rows)):
            row_of = np.repeat(positions, row_sizes).tolist()
            for row, *fragment in zip(row_of, *(column.tolist() for column in columns), strict=True):
                if fragment[-1]:  # the answer that a rated record lacks has no input
                    traced[row].append(Fragment(source, epoch, *fragment))
        return traced

    def held_out(self, source: str, rows: int) -> HostBatch:
        """Return the first rows of a source's held-out documents, [rows, T], then padding; the same for every seed."""
        plan = self._packed(source, "held_out", 0, 0)
        positions = np.arange(min(rows, plan.rows))
        return self._assemble([_Rows(source, 0, positions, plan.spans(positions))], rows)

    def all_documents(
        self, source: str, split: Split, rows: Sequence[int] | slice
    ) -> Iterator[tuple[HostBatch, Integers]]:
        """Yield all documents of one split of a source, each once, in the order of one epoch.

        Args:
            source: one that some stage reads or that is held out.
            split: training or held-out documents.
            rows: rows of each batch to return; the number of batches does not depend on them.

        Yields:
            Rows [len(rows), T] of a batch, of which the last is filled up with padding rows; and int64[len(rows), T],
            the number in the store of each token's document, -1 for padding.
        """
        plan = self._packed(source, split, 0, 0)
        chosen = np.arange(self._data.batch_rows)[rows]
        for first in range(0, plan.rows, self._data.batch_rows):
            existing = np.flatnonzero(first + chosen < plan.rows)
            spans = plan.spans(first + chosen[existing])
            batch = self._assemble([_Rows(source, 0, existing, spans)], len(chosen))
            documents = np.full(batch.tokens.shape, -1, np.int64)
            documents[batch.segment_ids > 0] = np.repeat(spans.documents, spans.lengths)
            yield batch, documents

    def row_sources(self, data_step: int) -> list[str]:
        """Return the source of every row of a batch."""
        sources, _ = self._mixture.rows(data_step, np.arange(self.batch_rows(data_step)))
        return [self._mixture.sources[source] for source in sources.tolist()]

    def stage(self, data_step: int) -> int:
        """Return a number that grows, up to `data_step`, wherever a stage of the mixture begins or the rows of batches
        change."""
        return self._mixture.stage(data_step) + self._mixture.size(data_step)

    def batch_rows(self, data_step: int) -> int:
        """Return the number of rows in the batch of `data_step`."""
        return self._mixture.batch_rows(data_step)

    def epochs(self, data_step: int) -> dict[str, float]:
        """Return source -> number of times that it has been read before `data_step`."""
        return {name: self._orders[name].epochs(rows) for name, rows in self._mixture.consumed(data_step).items()}

    def _locate(self, data_step: int, chosen: Integers) -> list["_Rows"]:
        """Return the fragments of the chosen rows of a batch, grouped by source and epoch."""
        sources, indices = self._mixture.rows(data_step, chosen)
        located = []
        for source in sorted(set(sources.tolist())):
            name = self._mixture.sources[source]
            positions = np.flatnonzero(sources == source)
            epochs, inside = self._orders[name].locate(indices[positions])
            for epoch in sorted(set(epochs.tolist())):
                in_epoch = epochs == epoch
                plan = self._plans.get(name, epoch)
                located.append(_Rows(name, epoch, positions[in_epoch], plan.spans(inside[in_epoch])))
                if inside[in_epoch].max() >= plan.rows * AHEAD:
                    self._plans.request(name, epoch + 1)
        return located

    def _assemble(self, located: Sequence["_Rows"], rows: int) -> HostBatch:
        """Read the located rows and return them at their positions in [rows, T]; the other rows are padding."""
        row_of = np.concatenate([np.repeat(part.positions, part.spans.row_sizes) for part in located])
        lengths = np.concatenate([part.spans.lengths for part in located])
        # The tokens of all fragments, one after the other in the order of `located`. A fragment of n inputs has n + 1
        # tokens there, from `begins` on: input i is token i, and its target token i + 1.
        read, weights = self._read(located)
        begins = np.cumsum(lengths + 1) - lengths - 1
        # From the order of `located` to that of the rows. The sort is stable, so fragments keep their order in a row.
        order = np.argsort(row_of, kind="stable")
        row_of, lengths, begins = row_of[order], lengths[order], begins[order]
        positions = ranges(lengths)
        inputs = np.repeat(begins, lengths) + positions
        # A row is filled from its first position on, so the inputs in row order fill this mask in C order.
        filled = np.arange(self._data.sequence_length) < np.bincount(row_of, lengths, rows)[:, None]

        def in_rows(values: npt.NDArray[Any], dtype: npt.DTypeLike = np.int32) -> npt.NDArray[Any]:
            array = np.zeros(filled.shape, dtype)
            array[filled] = values
            return array

        segment = ranges(np.bincount(row_of, minlength=rows))
        pair, side = np.divmod(segment, self.documents_per_record)
        pairs = self.documents_per_record > 1
        return Batch(
            tokens=in_rows(read[inputs]),
            targets=in_rows(read[inputs + 1]),
            loss_weights=in_rows(weights[inputs + 1], np.float32),
            segment_ids=in_rows(np.repeat(segment + 1, lengths)),
            positions=in_rows(positions),
            pair_ids=in_rows(np.repeat(pair + 1, lengths)) if pairs else None,
            sides=in_rows(np.repeat(side + 1, lengths)) if pairs else None,
            reference_logps=None
            if self._reference is None
            else in_rows(
                np.where(positions == 0, np.repeat(self._logps(located, self._reference)[order], lengths), 0),
                np.float32,
            ),
        )

    def _read(self, located: Sequence["_Rows"]) -> tuple[Tokens, npt.NDArray[np.float32]]:
        """Read the inputs and the last target of each fragment, and the weights of these tokens."""
        tokens, learned = [], []
        for source, parts in itertools.groupby(located, lambda part: part.source):
            store = self._stores[source]
            _, documents, starts, lengths = (
                np.concatenate(column) for column in zip(*(part.spans for part in parts), strict=True)
            )
            begins = store.offsets[documents] + starts
            tokens.append(store.read(begins, lengths + 1))
            learned.append(store.read_learned(begins, lengths + 1))
        return np.concatenate(tokens), from_codes(np.concatenate(learned))

    def _logps(
        self, located: Sequence["_Rows"], reference: Mapping[str, npt.NDArray[np.float32]]
    ) -> npt.NDArray[np.float32]:
        """Return the reference's log-probability of each fragment's document."""
        return np.concatenate([reference[part.source][part.spans.documents] for part in located])

    def _plan(self, source: str, epoch: int) -> Plan:
        """Make the training plan of an epoch; of the one where the run begins, what is left of it."""
        store, begins = self._stores[source], self._orders[source].begins
        if epoch == begins.epoch:
            return make_plan(store, begins.read, store.folder / "plans", self._plans_kept_from)
        return self._packed(source, "train", self._seed, epoch)

    def _packed(self, source: str, split: Split, seed: int, epoch: int) -> Plan:
        store = self._stores[source]
        settings = self._settings(source, split, seed, epoch)
        return packing.plan(store, settings, store.folder / "plans", self._plans_kept_from)

    def _has_documents(self, source: str, split: Split) -> bool:
        return any(map(len, packing.in_split(self._stores[source], self._settings(source, split, 0, 0))))

    def _settings(self, source: str, split: Split, seed: int, epoch: int) -> Settings:
        settings = Settings.of(self._data, split, seed, epoch)
        return dataclasses.replace(settings, held_out_share=1.0) if source in self._held_out else settings


class _Rows(NamedTuple):
    """Rows of a batch that are read from one epoch of a source."""

    source: str
    epoch: int
    positions: Integers
    """int64[n], numbers of the rows in the batch."""
    spans: Spans


class _Steps:
    """Batches that a host reads one after the other, as a sequence for grain."""

    def __init__(self, loader: Loader, first: int, rows: Sequence[int] | slice, skipped: Sequence[int]) -> None:
        self._loader, self._first, self._rows, self._skipped = loader, first, rows, skipped

    def __len__(self) -> int:
        return sys.maxsize

    def __getitem__(self, index: int) -> tuple[int, HostBatch]:
        data_step = data_step_of(self._first + index, self._skipped)
        return data_step, self._loader.batch(data_step, self._rows)
