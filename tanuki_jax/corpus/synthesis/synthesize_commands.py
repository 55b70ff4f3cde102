"""The work of `synthesize`, and its output."""

import itertools
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from rich import box
from rich.table import Table

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import amount, progress
from tanuki_jax.base.tables import show
from tanuki_jax.corpus.records.files import expand
from tanuki_jax.corpus.records.formats.by_suffix import FORMATS
from tanuki_jax.corpus.records.read import read, split
from tanuki_jax.corpus.records.types import Malformed, Record, Unused
from tanuki_jax.corpus.records.write import write
from tanuki_jax.corpus.synthesis.item_parts import parts_of
from tanuki_jax.corpus.synthesis.preview_items import estimate, preview
from tanuki_jax.corpus.synthesis.recipes.by_rule import records
from tanuki_jax.corpus.synthesis.requests_of import BYTES_OF_A_TOKEN
from tanuki_jax.corpus.synthesis.run_synthesis import Synthesized, opened_stage, synthesize
from tanuki_jax.corpus.synthesis.synthesis_settings import COUNT, Synthesis
from tanuki_jax.corpus.synthesis.synthesize_options import List, Run
from tanuki_jax.corpus.synthesis.synthetic_sources import cards_in, synthetic_sources, table_of

_log = logging.getLogger("tanuki_jax.corpus")
_SLICE_BYTES = 64 << 20
_BATCH = 1_000


def run(synthesis: Synthesis, options: Run) -> None:
    """Do what the options ask for: show the prompts, preview some items, write a file by rule, or make the run."""
    folder = Path(options.out or f"synthetic/{synthesis.name}")
    if options.output:
        _check_output(options.output, synthesis)
    if options.dry_run:
        _show_prompts(synthesis)
    elif options.preview:
        _preview(synthesis, folder, options.preview)
    elif options.output and not synthesis.recipe.asks and synthesis.recipe.reads == "nothing" and not synthesis.filters:
        _write_by_rule(synthesis, Path(options.output))
    else:
        done = synthesize(synthesis, folder, options.make_engine(folder / "logs"))
        if options.output:
            write(Path(options.output), _records(done.written.files))
        _show(done, options.output)


def _check_output(output: str, synthesis: Synthesis) -> None:
    """Raise InputError if the records cannot be written there, before anything is paid."""
    format = next((format for suffix, format in FORMATS.items() if output.endswith(suffix)), None)
    if format is None or format.write is None:
        suffixes = ", ".join(suffix for suffix, other in FORMATS.items() if other.write)
        raise InputError(f"--output {output} cannot be written: no format has this suffix; use one of {suffixes}")
    for parent in Path(output).absolute().parents:
        if parent.exists():
            if not parent.is_dir():
                raise InputError(f"--output {output} cannot be written: {parent} is a file")
            break
    inputs = [file.path for file in expand(synthesis.inputs)] if synthesis.inputs else []
    if os.path.realpath(output) in map(os.path.realpath, inputs):
        raise InputError(f"--output {output} is one of --inputs: name another file")


def list_runs(options: List) -> None:
    """Print the finished runs of a folder."""
    sources, cards = synthetic_sources(options.folder), cards_in(options.folder)
    runs = Table("run", "teacher", "kind", "language", "records", "tokens", box=box.SIMPLE)
    sizes = {source.name: source.billion_tokens * 1e9 for source in sources}
    for card in sorted(cards, key=lambda card: -sizes.get(card["name"], 0)):
        about = [card["name"], card["teacher"] or "none", card["kind"], card["language"]]
        runs.add_row(*about, f"{card['records']:,}", f"{sizes.get(card['name'], 0):,.0f}")
    tables = [runs]
    for by in ("teacher", "kind", "language"):
        table = Table(by, "runs", "tokens", box=box.SIMPLE)
        for name, count, tokens in table_of(sources, by):
            table.add_row(name, f"{count:,}", f"{tokens * 1e9:,.0f}")
        tables.append(table)
    show(*tables)


def _show_prompts(synthesis: Synthesis) -> None:
    found = estimate(synthesis, parts_of(synthesis))
    for number, exchange in enumerate(found.first.exchanges, 1):
        print(f"----- request {number} of item {found.first.key}, template {exchange.template}")
        for message in exchange.messages:
            print(f"[{message['role']}]\n{message['content']}\n")
        print(f"[a worked example of the answer]\n{exchange.replies[0]}\n")
    if found.first.dropped:
        print(f"----- of the worked examples no record is made: {found.first.dropped}\n")
    tokens = f"{found.input_tokens:,} tokens to read and {found.output_tokens:,} to write"
    price = f", {found.cost:.4g} at the teacher's prices" if found.cost else ""
    show(
        f"{amount(found.items, 'item')}, {amount(found.requests, 'request')}, about {tokens}{price} (estimated: "
        f"{BYTES_OF_A_TOKEN} bytes a token, and answers as long as the worked examples). Nothing was sent."
    )


def _preview(synthesis: Synthesis, folder: Path, count: int) -> None:
    with opened_stage(synthesis, folder) as stage:
        page, items = preview(stage, count)
    table = Table("item", "requests", "", box=box.SIMPLE)
    for item in items:
        table.add_row(item.key, f"{len(item.exchanges)}", item.dropped or "kept")
    show(table, f"prompts and answers: {page}")


def _write_by_rule(synthesis: Synthesis, output: Path) -> None:
    """Write the records of a recipe that needs no teacher into one file."""
    count = synthesis.count or COUNT
    with progress(f"write {output.name}", count, "record") as advance:

        def counted() -> Iterator[Record]:
            for some in itertools.batched(records(synthesis.recipe, count, synthesis.seed, synthesis.name), _BATCH):
                yield from some
                advance(len(some))

        write(output, counted())
    show(f"{amount(count, 'record')}: {output}")


def _records(files: tuple[Path, ...]) -> Iterator[Record]:
    """Yield the records of a finished run."""
    for path in files:
        for file in expand([str(path)]):
            for slice in split(file, _SLICE_BYTES):
                for row in read(slice, text_field="text", form="prompt"):
                    if isinstance(row.record, Malformed | Unused):
                        raise InputError(f"{path}, row {row.row}: {row.record.reason}")
                    yield row.record


def _show(done: Synthesized, output: str) -> None:
    totals, card = done.totals, done.card
    table = Table("items", "", "", box=box.SIMPLE)
    table.columns[1].justify = "right"
    table.add_row("kept", f"{totals.kept:,}", "")
    for reason, count in totals.dropped.most_common():
        table.add_row("dropped", f"{count:,}", reason)
    for kind, count in totals.failed.most_common():
        table.add_row("failed", f"{count:,}", kind)
    if done.written.copies:
        table.add_row("copies", f"{done.written.copies:,}", "near copies of records that were kept")
    asked = f"{totals.requests:,} answers of {card['teacher']}" if card["teacher"] else "no teacher"
    reused = f", {totals.reused:,} of an earlier start" if totals.reused else ""
    cost = f", cost {totals.cost:.4g}" if totals.cost else ""
    show(
        table,
        f"{amount(done.written.kept, 'record')}, {asked}{reused}, {totals.input_tokens:,} tokens read, "
        f"{totals.output_tokens:,} written{cost}",
        *(
            [f"requests of {totals.failed.total():,} items failed: start again to send them again"]
            * bool(totals.failed)
        ),
        f"records: {output or done.folder / 'records'}, dropped ones: {done.folder / 'dropped'}, "
        f"the card: {done.folder / 'README.md'}",
    )
