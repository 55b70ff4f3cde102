"""The first records of chats and preferences as they would be learned, to look at."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from rich.text import Text

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Data
from tanuki_jax.config.mixture import Mixture
from tanuki_jax.corpus.chat.preview import preview as shown
from tanuki_jax.data.batch import SIDES
from tanuki_jax.data.preparation.chat_documents import Refused, Rendering, examples
from tanuki_jax.data.preparation.inventory import take_inventory
from tanuki_jax.data.preparation.templates import rendered, template_of_config
from tanuki_jax.data.preparation.work_units import Row, Unit, rows_of
from tanuki_jax.data.tokenizer.chat_tokens import decode_spans
from tanuki_jax.data.tokenizer.load import Tokenizer, load


def preview(data: Data, mixture: Mixture, count: int) -> Iterator[Text]:
    """Lines for the terminal: the first `count` records of each source of chats or preferences, what is learned of them in colour.

    Nothing is written. InputError if a source or the tokenizer is missing, or if there is no such source.
    """
    if not Path(data.tokenizer.path).exists():
        raise InputError(
            f"a preview needs the tokenizer, and there is none at {data.tokenizer.path}: prepare without --preview first"
        )
    inventories = take_inventory(mixture)
    tokenizer = load(data.tokenizer.path)
    found = [
        each
        for each in rendered(inventories, data, tokenizer, template_of_config(data.tokenizer))
        if each.rendering is not None
    ]
    if not found:
        raise InputError(
            f"all sources of the mixture {data.mixture} are texts, of which everything is learned; there is nothing to preview"
        )
    for inventory in found:
        assert inventory.rendering is not None
        yield from islice(_records(inventory.name, inventory.units, tokenizer, inventory.rendering), count)


def _records(name: str, units: Sequence[Unit], tokenizer: Tokenizer, rendering: Rendering) -> Iterator[Text]:
    before: defaultdict[str, int] = defaultdict(int)
    for unit in units:
        rows_read: list[int] = []
        for example in examples(_numbered(unit, rendering, rows_read, before), tokenizer, rendering):
            place = f"{name}  {unit.paths[example.row.piece]}:{example.row.row}"
            if isinstance(example, Refused):
                yield Text(f"{place}  {example.kind}: {example.reason}\n")
                continue
            text = Text()
            for number, document in enumerate(example.documents):
                side = f"{SIDES[number]}, " if len(example.documents) > 1 else ""
                counts = f"{len(document.ids):,} tokens, {int(document.learned[1:].sum()):,} learned"
                text.append(f"{place}  {side}{counts}\n", "bold").append(
                    shown(decode_spans(tokenizer, document))
                ).append("\n")
            yield text


def _numbered(unit: Unit, rendering: Rendering, rows_read: list[int], before: defaultdict[str, int]) -> Iterator[Row]:
    """The rows of a unit with their numbers in their files, from 1, given how many rows of the files units before it had."""
    piece = 0
    for row in rows_of(unit, rendering.form, rows_read):
        while piece < row.piece:
            before[unit.paths[piece]] += rows_read[piece]
            piece += 1
        yield row._replace(row=before[unit.paths[piece]] + row.row + 1)
    for rest in range(piece, len(rows_read)):
        before[unit.paths[rest]] += rows_read[rest]
