"""Shows which documents a step of a run read.

python -m tanuki_jax.explain runs/tiny --step 120
"""

import dataclasses
from pathlib import Path

import tyro

from tanuki_jax.config.command_line import parse_options
from tanuki_jax.door import enter
from tanuki_jax.explain.step import Explained, explain


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Show which documents a step of a run read: a line for each piece of a document, in the order of the batch."""

    run: tyro.conf.Positional[str]
    """Folder of the run."""
    step: int
    """Number of the step, from 1, as in metrics.jsonl."""


def main(words: list[str]) -> None:
    options = parse_options("explain", words, Options)
    explained = explain(Path(options.run), options.step)
    pieces = explained.pieces
    tokens, rows = sum(each.piece.length for each in pieces), len({each.row for each in pieces})
    print(f"step {options.step} of {options.run} (data step {explained.data_step}): {tokens:,} tokens in {rows} rows")
    places = [_place(each) for each in pieces]
    used = [_used(each) for each in pieces]
    width = max(map(len, places)), max(map(len, used))
    for each, place, part in zip(pieces, places, used, strict=True):
        print(f"row {each.row:<5} {place:<{width[0]}}  {part:<{width[1]}}  {each.first_words}")


def _place(each: Explained) -> str:
    return f"{each.piece.source}  {each.origin.path}:{each.origin.row}"


def _used(each: Explained) -> str:
    piece = each.piece
    return f"tokens {piece.start + 1}-{piece.start + piece.length} of {each.document_tokens}, epoch {piece.epoch + 1}"


if __name__ == "__main__":
    enter("explain", main)
