"""Batches as a pure function of config, seed and data step, whatever the number of hosts that read them."""

import concurrent.futures
import hashlib
import itertools
import json
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import grain
import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Data
from tanuki_jax.config.mixture import Mixture
from tanuki_jax.corpus.chat.template_files import find as find_template
from tanuki_jax.data import mixing, packing
from tanuki_jax.data.batch import Batch
from tanuki_jax.data.mixing import RowMixture
from tanuki_jax.data.packing import Integers, Plan, Settings, Side, Spans, ranges
from tanuki_jax.data.store import DESCRIPTION, Store, Tokens
from tanuki_jax.data.tokenizer.load import load

type HostBatch = Batch[npt.NDArray[Any]]

AHEAD = 7 / 8
"""Part of an epoch after which the plan of the next one is made."""
PLANS_IN_USE = 4
"""Plans of each source that are kept in memory."""


class Piece(NamedTuple):
    """Part of a document that lies in one row: `length` inputs from token `start` of the document on."""

    source: str
    epoch: int
    document: int
    start: int
    length: int


def open_stores(data: Data, mixture: Mixture) -> dict[str, Store]:
    """The store of every source that some stage reads, by name.

    InputError names all stores that are missing, or those that were made with another tokenizer than the config's or another template
    than the one beside it.
    """
    folders = {source.name: Path(data.stores) / source.name for source in mixture.used}
    if missing := [name for name, folder in folders.items() if not (folder / DESCRIPTION).is_file()]:
        raise InputError(
            f"{data.stores} has no store of {', '.join(missing)}; `python -m tanuki_jax.prepare --config=...` makes them"
        )
    stores = {name: Store.open(folder) for name, folder in folders.items()}
    tokenizer = load(data.tokenizer.path)
    if other := [name for name, store in stores.items() if store.tokenizer_fingerprint != tokenizer.fingerprint]:
        raise InputError(
            f"{', '.join(other)} in {data.stores} were not made with the tokenizer {data.tokenizer.path}; delete and prepare them again"
        )
    templates = {name: store.settings["template"] for name, store in stores.items() if "template" in store.settings}
    there = find_template(Path(data.tokenizer.path)) if templates else None
    if other := [name for name, template in templates.items() if there is None or template != there.fingerprint]:
        raise InputError(
            f"{', '.join(other)} in {data.stores} were not made with the chat template beside {data.tokenizer.path}; delete and prepare "
            "them again"
        )
    return stores


def data_step_of(step: int, skipped: Sequence[int]) -> int:
    """Data step that step `step` reads, both from 0, given the data steps that are left out, ascending."""
    for left_out in skipped:
        step += left_out <= step
    return step


class Loader:
    """Random access to the batches of a run. All methods may be called from any number of threads."""

    def __init__(self, stores: Mapping[str, Store], mixture: Mixture, data: Data, seed: int) -> None:
        """InputError if a source that some stage reads has nothing to train on, or sources do not go together or into the rows."""
        self._mixture = RowMixture(mixture, data.batch_rows)
        self._stores = {name: stores[name] for name in self._mixture.sources}
        self._data = data
        self._seed = seed
        self._plans = _Plans(lambda source, epoch: self._packed(source, "train", seed, epoch))
        self.vocabulary = max(store.vocabulary for store in self._stores.values())
        """Largest vocabulary of the stores."""
        self.held_out_sources = tuple(name for name in self._stores if self._has_documents(name, "held_out"))
        """Sources that have held-out documents."""
        if empty := [name for name in self._stores if not self._has_documents(name, "train")]:
            raise InputError(
                f"{', '.join(empty)} in {data.stores} hold no document with a token to train on; take them out of the mixture"
            )
        self.documents_per_record = self._one_size_of_records()
        """1; or the documents of a pair (2), or of one with an answer to another prompt (3), which lie next to each other in one row."""
        self._check_lengths()
        self._reference: Mapping[str, npt.NDArray[np.float32]] | None = None

    def set_reference(self, reference: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Has batches hold `reference_logps`, before any batch is asked for.

        Args:
            reference: for every source float32[documents], what a reference model gives each document of its store, summed over the
                targets that count.
        """
        for name, store in self._stores.items():
            assert reference[name].shape == (store.documents,), name
        self._reference = reference

    @property
    def fingerprint(self) -> str:
        """A hash of everything that determines the batches: documents, weights, shape, order and the versions of the code."""
        data = self._data
        parts = {
            "stores": {name: store.fingerprint for name, store in self._stores.items()},
            "stages": self._mixture.description(),
            "shape": [data.batch_rows, data.sequence_length],
            "order": [self._seed, data.window_documents, data.held_out_share],
            "versions": [packing.VERSION, mixing.VERSION],
        }
        if self._reference is not None:
            parts["reference"] = {
                name: hashlib.blake2b(self._reference[name].tobytes()).hexdigest() for name in self._stores
            }
        return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()

    def batch(self, data_step: int, rows: Sequence[int] | slice) -> HostBatch:
        """The given rows of the batch of `data_step`, [len(rows), T]: the same whoever asks for them, and in whatever order."""
        chosen = np.arange(self._data.batch_rows)[rows]
        return self._assemble(self._find(data_step, chosen), len(chosen))

    def iterate(
        self, first: int, rows: Sequence[int] | slice, skipped: Sequence[int] = ()
    ) -> Iterator[tuple[int, HostBatch]]:
        """Data steps from `first` on without those in `skipped`, and their rows, read ahead by threads. Never ends; may be closed."""
        steps = _Steps(self, first, rows, sorted(step for step in skipped if step >= first))
        threads = self._data.read_threads
        options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=2 * threads)
        batches = iter(grain.MapDataset.source(steps).to_iter_dataset(options))
        try:
            yield from batches
        finally:
            batches.close()

    def trace(self, data_step: int) -> list[list[Piece]]:
        """The pieces of every row of the batch, in the order in which they lie."""
        traced: list[list[Piece]] = [[] for _ in range(self._data.batch_rows)]
        for source, epoch, places, (row_sizes, *columns) in self._find(data_step, np.arange(self._data.batch_rows)):
            rows_of_pieces = np.repeat(places, row_sizes).tolist()
            for row, *piece in zip(rows_of_pieces, *(column.tolist() for column in columns), strict=True):
                traced[row].append(Piece(source, epoch, *piece))
        return traced

    def held_out(self, source: str, rows: int) -> HostBatch:
        """The first rows of a source's held-out documents, [rows, T]: the same for every seed, filled up with padding rows."""
        plan = self._packed(source, "held_out", 0, 0)
        places = np.arange(min(rows, plan.rows))
        return self._assemble([_Rows(source, 0, places, plan.spans(places))], rows)

    def everything(self, source: str, split: Side, rows: Sequence[int] | slice) -> Iterator[tuple[HostBatch, Integers]]:
        """All documents of one side of a source, each once, in whatever order packs them best.

        Args:
            source: one that some stage reads.
            split: training or held-out documents.
            rows: which of the rows of each batch are wanted; all hosts get the same number of batches.

        Yields:
            Rows [len(rows), T] of one of the batches, the last of which is filled up with padding rows; and int64[len(rows), T], the number
            in the store of each token's document, -1 for padding.
        """
        plan = self._packed(source, split, 0, 0)
        chosen = np.arange(self._data.batch_rows)[rows]
        for first in range(0, plan.rows, self._data.batch_rows):
            there = np.flatnonzero(first + chosen < plan.rows)
            spans = plan.spans(first + chosen[there])
            batch = self._assemble([_Rows(source, 0, there, spans)], len(chosen))
            documents = np.full(batch.tokens.shape, -1, np.int64)
            documents[batch.segment_ids > 0] = np.repeat(spans.documents, spans.lengths)
            yield batch, documents

    def stage(self, data_step: int) -> int:
        """Number of the mixture's stage to which `data_step` belongs, from 0."""
        return self._mixture.stage(data_step)

    def epochs(self, data_step: int) -> dict[str, float]:
        """How many times each source has been read when `data_step` begins."""
        consumed = self._mixture.consumed(data_step)
        return {name: rows / self._plans.rows(name) if rows else 0.0 for name, rows in consumed.items()}

    def _find(self, data_step: int, chosen: Integers) -> list["_Rows"]:
        """Where the chosen rows of a batch come from, source by source."""
        sources, indices = self._mixture.rows(data_step, chosen)
        found = []
        for source in sorted(set(sources.tolist())):
            name = self._mixture.sources[source]
            places = np.flatnonzero(sources == source)
            rows = self._plans.rows(name)
            epochs, inside = indices[places] // rows, indices[places] % rows
            for epoch in sorted(set(epochs.tolist())):
                mine = epochs == epoch
                found.append(_Rows(name, epoch, places[mine], self._plans.get(name, epoch).spans(inside[mine])))
                if inside[mine].max() >= rows * AHEAD:
                    self._plans.request(name, epoch + 1)
        return found

    def _assemble(self, found: Sequence["_Rows"], rows: int) -> HostBatch:
        """The rows that were found in their places, [rows, T]; the other rows are padding."""
        row_of = np.concatenate([np.repeat(part.places, part.spans.row_sizes) for part in found])
        lengths = np.concatenate([part.spans.lengths for part in found])
        read, learned = self._read(found)
        begins = np.cumsum(lengths + 1) - lengths - 1
        order = np.argsort(row_of, kind="stable")
        row_of, lengths, begins = row_of[order], lengths[order], begins[order]
        positions = ranges(lengths)
        inputs = np.repeat(begins, lengths) + positions
        filled = np.arange(self._data.sequence_length) < np.bincount(row_of, lengths, rows)[:, None]

        def laid_out(values: npt.NDArray[Any], dtype: npt.DTypeLike = np.int32) -> npt.NDArray[Any]:
            array = np.zeros(filled.shape, dtype)
            array[filled] = values
            return array

        place = ranges(np.bincount(row_of, minlength=rows))  # of each piece in its row
        pair, side = np.divmod(place, self.documents_per_record)
        pairs = self.documents_per_record > 1
        return Batch(
            tokens=laid_out(read[inputs]),
            targets=laid_out(read[inputs + 1]),
            loss_weights=laid_out(learned[inputs + 1], np.float32),
            segment_ids=laid_out(np.repeat(place + 1, lengths)),
            positions=laid_out(positions),
            pair_ids=laid_out(np.repeat(pair + 1, lengths)) if pairs else None,
            sides=laid_out(np.repeat(side + 1, lengths)) if pairs else None,
            reference_logps=None
            if self._reference is None
            else laid_out(
                np.where(positions == 0, np.repeat(self._of_reference(found, self._reference)[order], lengths), 0),
                np.float32,
            ),
        )

    def _read(self, found: Sequence["_Rows"]) -> tuple[Tokens, npt.NDArray[np.uint8]]:
        """The tokens of all pieces, one after the other: the inputs of each and the last one's target; and which are learned."""
        tokens, learned = [], []
        for source, parts in itertools.groupby(found, lambda part: part.source):
            store = self._stores[source]
            _, documents, starts, lengths = (
                np.concatenate(column) for column in zip(*(part.spans for part in parts), strict=True)
            )
            begins = store.offsets[documents] + starts
            tokens.append(store.read(begins, lengths + 1))
            learned.append(store.read_learned(begins, lengths + 1))
        return np.concatenate(tokens), np.concatenate(learned)

    def _of_reference(
        self, found: Sequence["_Rows"], reference: Mapping[str, npt.NDArray[np.float32]]
    ) -> npt.NDArray[np.float32]:
        """What a reference gives the document of each piece."""
        return np.concatenate([reference[part.source][part.spans.documents] for part in found])

    def _one_size_of_records(self) -> int:
        """Documents of a record, the same for all sources."""
        sizes = {name: store.documents_per_record for name, store in self._stores.items()}
        if len(set(sizes.values())) > 1:
            told = ", ".join(f"{name} {size}" for name, size in sizes.items())
            raise InputError(
                f"the sources of a run have equally many documents a record (text, chat 1, preference 2, kto 3), not {told}"
            )
        return next(iter(sizes.values()))

    def _check_lengths(self) -> None:
        """Whether all records that may not be cut go into a row."""
        for name, store in self._stores.items():
            if (
                store.has_learned
                and (longest := int(packing.record_sizes(store).max()) - 1) > self._data.sequence_length
            ):
                raise InputError(
                    f"a record of {name} takes {longest:,} places of a row, and data.sequence_length is {self._data.sequence_length:,}: "
                    f"delete {store.folder} and prepare it for this length"
                )

    def _packed(self, source: str, split: Side, seed: int, epoch: int) -> Plan:
        store = self._stores[source]
        return packing.plan(store, Settings.of(self._data, split, seed, epoch), store.folder / "plans")

    def _has_documents(self, source: str, split: Side) -> bool:
        return packing.in_split(self._stores[source], Settings.of(self._data, split, 0, 0)).size > 0


class _Rows(NamedTuple):
    """Rows of a batch that come from one epoch of a source."""

    source: str
    epoch: int
    places: Integers
    """int64[n], their places in the batch."""
    spans: Spans


class _Plans:
    """The training plans in use. Each is made once, in a thread of its own, however many threads ask for it."""

    def __init__(self, make: Callable[[str, int], Plan]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._plans: OrderedDict[tuple[str, int], concurrent.futures.Future[Plan]] = OrderedDict()
        self._rows: dict[str, int] = {}

    def rows(self, source: str) -> int:
        """Rows in an epoch; all epochs of a source have the same number."""
        if source not in self._rows:
            self._rows[source] = self.get(source, 0).rows
        return self._rows[source]

    def get(self, source: str, epoch: int) -> Plan:
        return self.request(source, epoch).result()

    def request(self, source: str, epoch: int) -> concurrent.futures.Future[Plan]:
        """Begins to make a plan if it is not there."""
        key = (source, epoch)
        with self._lock:
            if key not in self._plans:
                self._plans[key] = concurrent.futures.Future()
                threading.Thread(target=self._fulfil, args=(self._plans[key], key), daemon=True).start()
                of_source = [known for known in self._plans if known[0] == source]
                for old in of_source[:-PLANS_IN_USE]:
                    del self._plans[old]
            self._plans.move_to_end(key)
            return self._plans[key]

    def _fulfil(self, future: concurrent.futures.Future[Plan], key: tuple[str, int]) -> None:
        try:
            future.set_result(self._make(*key))
        except BaseException as error:
            future.set_exception(error)


class _Steps:
    """The batches that a host reads one after the other, in random access."""

    def __init__(self, loader: Loader, first: int, rows: Sequence[int] | slice, skipped: Sequence[int]) -> None:
        self._loader, self._first, self._rows, self._skipped = loader, first, rows, skipped

    def __len__(self) -> int:
        return sys.maxsize

    def __getitem__(self, index: int) -> tuple[int, HostBatch]:
        data_step = data_step_of(self._first + index, self._skipped)
        return data_step, self._loader.batch(data_step, self._rows)
