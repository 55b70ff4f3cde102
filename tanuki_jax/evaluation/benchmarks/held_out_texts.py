"""Loss of texts that the model has not learned, by source: in bits a byte, which do not depend on the tokenizer."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.corpus.records.files import expand
from tanuki_jax.corpus.records.read import read, split
from tanuki_jax.corpus.records.types import Document
from tanuki_jax.evaluation.benchmark import Benchmark, Chain, Item, Items, Scores
from tanuki_jax.evaluation.benchmarks.log_probabilities import ask_probability, read_probability, why_unreadable

_SLICE_BYTES = 16 << 20
_NATS, _TOKENS, _BYTES = "nats", "tokens", "bytes"


@dataclass(frozen=True, kw_only=True)
class HeldOutTexts(Benchmark):
    """Loss of texts by source, from the log-probabilities of their tokens."""

    title = "Held-out texts"
    scale = (8.0, 0.0)
    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {"bits_per_byte": (0.0, 1_000.0)}
    lower_is_better = frozenset({"bits_per_byte"})
    paths: tuple[str, ...] = ("held_out/*.jsonl",)
    """Files or globs of documents: JSON lines (also .gz or .zst), Parquet, text. Each file is a source of its own."""
    text_field: str = "text"
    """Field that holds the text."""
    count: PositiveInt = 100
    """Number of documents of each source, the first ones."""
    characters: PositiveInt = 500
    """Characters of the beginning of each document that are read; they must fit into the model's context."""

    @property
    def name(self) -> str:
        return "held_out_texts"

    @property
    def metrics(self) -> tuple[str, ...]:
        return ("bits_per_byte",)

    @property
    def path_asked(self) -> str:
        return "completions"

    def load(self, data: Path) -> Items:
        files = expand([path if "://" in path else str(data / path) for path in self.paths])
        stems = [Path(file.path).name.split(".")[0] for file in files]
        items: list[Item] = []
        for file, stem in zip(files, stems, strict=True):
            source = stem if stems.count(stem) == 1 else file.path
            for number, text in enumerate(self._texts(file.path)):
                items.append(Item(f"{source}/{number}", text, tags={"source": source}, row=text))
        if not items:
            raise InputError(f"no file of {' '.join(self.paths)} has a document with the field {self.text_field!r}")
        return Items(tuple(items), tuple(Path(file.path) for file in files if "://" not in file.path))

    def _texts(self, path: str) -> Iterator[str]:
        """Yield the beginnings of the first documents of a file."""
        left = self.count
        for file in expand([path]):
            for slice in split(file, _SLICE_BYTES):
                for row in read(slice, text_field=self.text_field):
                    if isinstance(row.record, Document) and row.record.text.strip():
                        yield row.record.text[: self.characters]
                        left -= 1
                    if not left:
                        return

    def chain(self, item: Item) -> Chain:
        text: str = item.row
        [reply] = yield [ask_probability(text)]
        found = read_probability(reply, text)
        if found is None:
            # A loss has no worst value, so that a failed request cannot be counted as one: it is in no mean.
            return Scores({}, ("bits_per_byte",), why_unreadable(reply))
        read_bytes = len(text[found.begin :].encode())
        values = {_NATS: -found.nats, _TOKENS: float(found.tokens), _BYTES: float(read_bytes)}
        return Scores({"bits_per_byte": -found.nats / math.log(2) / read_bytes, **values})

    def overall(self, scored: Sequence[tuple[Item, Scores]]) -> Mapping[str, float]:
        result = {}
        for source in dict.fromkeys(item.tags["source"] for item, _ in scored):
            values = [scores.values for item, scores in scored if item.tags["source"] == source and scores.values]
            nats, tokens, size = (sum(each[name] for each in values) for name in (_NATS, _TOKENS, _BYTES))
            if size:
                result[f"{source}: bits a byte"] = nats / math.log(2) / size
                result[f"{source}: loss a token"] = nats / tokens
        return result
