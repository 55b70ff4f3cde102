"""Preview of the first records of chats and preferences, with the learned text in colour."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from rich.text import Text

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Data
from tanuki_jax.config.mixture import Mixture
from tanuki_jax.corpus.chat.preview import preview as styled
from tanuki_jax.corpus.records.types import Rating
from tanuki_jax.data.batch import SIDES
from tanuki_jax.data.preparation.chat_documents import Refusal, Rendering, examples
from tanuki_jax.data.preparation.inventory import take_inventory
from tanuki_jax.data.preparation.templates import configured_template, with_renderings
from tanuki_jax.data.preparation.work_units import Row, Unit, rows_of
from tanuki_jax.data.tokenizer.chat_tokens import decode_spans
from tanuki_jax.data.tokenizer.load import Tokenizer, load


def preview(data: Data, mixture: Mixture, count: int) -> Iterator[Text]:
    """Yield the first `count` records of each source of chats or preferences as lines for the terminal.

    No file is written. InputError if a source or the tokenizer is missing, or if all sources are texts.
    """
    if not Path(data.tokenizer.path).exists():
        raise InputError(
            f"a preview needs the tokenizer, and there is none at {data.tokenizer.path}: run prepare without --preview "
            "first"
        )
    inventories = take_inventory(mixture)
    tokenizer = load(data.tokenizer.path)
    records = [
        _records(inventory.name, inventory.units, tokenizer, inventory.rendering)
        for inventory in with_renderings(inventories, data, tokenizer, configured_template(data.tokenizer))
        if inventory.rendering is not None
    ]
    if not records:
        raise InputError(
            f"all sources of the mixture {data.mixture} are texts, which are learned completely: --preview shows only "
            "chats and preferences"
        )
    for of_source in records:
        yield from islice(of_source, count)


def _records(name: str, units: Sequence[Unit], tokenizer: Tokenizer, rendering: Rendering) -> Iterator[Text]:
    before: defaultdict[str, int] = defaultdict(int)
    for unit in units:
        rows_read: list[int] = []
        for example in examples(_numbered(unit, rendering, rows_read, before), tokenizer, rendering):
            origin = f"{name}  {unit.paths[example.row.slice_index]}:{example.row.row}"
            if isinstance(example, Refusal):
                yield Text(f"{origin}  {example.kind}: {example.reason}\n")
                continue
            text = Text()
            for number, document in enumerate(example.documents):
                if not example.texts[number]:  # the answer that a rated record lacks
                    continue
                sides = ("good answer", "bad answer", SIDES[2]) if isinstance(example.row.record, Rating) else SIDES
                side = f"{sides[number]}, " if len(example.documents) > 1 else ""
                counts = f"{len(document.ids):,} tokens, {int(document.learned[1:].sum()):,} learned"
                text.append(f"{origin}  {side}{counts}\n", "bold")
                text.append(styled(decode_spans(tokenizer, document))).append("\n")
            yield text


def _numbered(unit: Unit, rendering: Rendering, rows_read: list[int], before: defaultdict[str, int]) -> Iterator[Row]:
    """Yield the rows of a unit with their numbers in their files, from 1.

    `before` is the number of rows of each file in earlier units; those of this unit are added.
    """
    index = 0
    for row in rows_of(unit, rendering.form, rows_read):
        while index < row.slice_index:
            before[unit.paths[index]] += rows_read[index]
            index += 1
        yield row._replace(row=before[unit.paths[index]] + row.row + 1)
    for rest in range(index, len(rows_read)):
        before[unit.paths[rest]] += rows_read[rest]
