"""Tables in files that describe themselves: comments, a row of names, and a row for each model.

A file is tab-separated (`.tsv`) or comma-separated (`.csv`), in UTF-8. The comments stand before the row of names:

    # title: Dialogue of small models
    # source: votes of our own, May 2026
    # column model: key
    # column votes: number
    # column perplexity: number, lower is better; on held-out text
    # pair votes perplexity

A file without `# column` lines needs a column `model`; its other columns are numbers of which higher is better. A pair
is two columns whose correlation and scatter plot are shown.
"""

import csv
import dataclasses
import difflib
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, cast

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.tables.table_cells import KINDS, Cell, Column, Direction, Kind, model_key, read_cell

_DELIMITERS = {".tsv": "\t", ".csv": ","}
_COLUMN = re.compile(r"column\s+(\S+)\s*:\s*(\w+)\s*(?:,\s*(higher|lower) is better)?\s*(?:;\s*(.+?))?\s*")
_PAIR = re.compile(r"pair\s+(\S+)\s+(\S+)\s*")


@dataclasses.dataclass(frozen=True)
class TableRow:
    """A row of a table."""

    label: str
    """Cell of the key column; of several, those with a value, as in `Ichikara, epoch 2`."""
    cells: Mapping[str, Cell]


@dataclasses.dataclass(frozen=True)
class OutsideTable:
    """A table that was not measured here."""

    name: str
    title: str
    source: str
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    """Columns whose correlation and scatter plot are shown."""

    def column(self, name: str) -> Column:
        """Return a column. KeyError if there is none of that name."""
        return {column.name: column for column in self.columns}[name]

    @property
    def of_models(self) -> bool:
        """Whether the rows are models, which other tables and runs may have too: the only key is `model`."""
        return [column.name for column in self.columns if column.kind == "key"] == ["model"]


@dataclasses.dataclass(frozen=True)
class _Head:
    title: str
    source: str
    columns: tuple[Column, ...]
    pairs: tuple[tuple[str, str], ...]


def read_table(name: str, path: Path, *, like: OutsideTable | None = None) -> OutsideTable:
    """Return the table in a file.

    Args:
        name: its name in reports.
        path: file, `.tsv` or `.csv`.
        like: table whose columns and title hold if the file describes no columns; None: none.

    Raises:
        InputError: the file cannot be read; a column is not described; a row is too long or too short; two rows have
            one key; a cell of a column of numbers is none. It names the file and the line.
    """
    delimiter = _DELIMITERS.get(path.suffix.lower())
    if delimiter is None:
        raise InputError(f"{path} is no table: its name must end in .tsv or .csv")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"there is no file {path}, from which the table {name} was to be read") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not in UTF-8; save the table {name} in UTF-8") from None
    comments, body = _split(text)
    head = _read_head(path, comments, like)
    names, records = _records(path, body, delimiter, first=len(comments) + 1)
    columns = _columns(path, len(comments) + 1, names, head)
    rows = list(_rows(path, columns, records))
    if not rows:
        raise InputError(f"{path} has no row below the names of its columns")
    if absent := [each for pair in head.pairs for each in pair if each not in names]:
        if like is None:
            raise InputError(f"{path}: a pair names the column {absent[0]!r}, which is not in the file")
        head = dataclasses.replace(head, pairs=tuple(pair for pair in head.pairs if {*pair} <= {*names}))
    return OutsideTable(name, head.title or name, head.source or path.name, columns, tuple(rows), head.pairs)


def _split(text: str) -> tuple[list[str], list[str]]:
    """Return the lines of comments and empty lines before the row of names, and the lines from it on."""
    lines = io.StringIO(text).readlines()  # only a line feed ends a line
    comments = list(itertools.takewhile(lambda line: line.startswith("#") or not line.strip(), lines))
    return comments, lines[len(comments) :]


def _read_head(path: Path, comments: Sequence[str], like: OutsideTable | None) -> _Head:
    title = source = ""
    columns: list[Column] = []
    pairs: list[tuple[str, str]] = []
    for number, line in enumerate(comments, 1):
        comment = line.lstrip("#").strip()
        word, colon, value = comment.partition(":")
        if colon and word == "title":
            title = value.strip()
        elif colon and word == "source":
            source = value.strip()
        elif comment.startswith("column "):
            columns.append(_read_column(f"{path}, line {number}", comment))
        elif pair := _PAIR.fullmatch(comment):
            pairs.append((pair[1], pair[2]))
    if like is not None and not columns:
        return _Head(title or f"{like.title}, from {path.name}", source, like.columns, tuple(pairs) or like.pairs)
    return _Head(title, source, tuple(columns), tuple(pairs))


def _read_column(place: str, comment: str) -> Column:
    found = _COLUMN.fullmatch(comment)
    if found is None or found[2] not in KINDS:
        raise InputError(
            f"{place}: {comment!r} does not describe a column; write 'column NAME: KIND', KIND one of "
            f"{', '.join(KINDS)}, and if wanted ', higher is better' or ', lower is better', and '; MEANING'"
        )
    return Column(found[1], cast(Kind, found[2]), cast(Direction, found[3] or ""), found[4] or "")


def _records(
    path: Path, body: Sequence[str], delimiter: str, first: int
) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Return the names of the columns, and the rows below them with the numbers of their lines. Empty rows are left
    out."""
    quoting: Literal[0, 3] = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    reader = csv.reader(io.StringIO("".join(body), newline=""), delimiter=delimiter, quoting=quoting, strict=True)

    def numbered() -> Iterator[tuple[int, list[str]]]:
        start = 0
        try:
            for cells in reader:
                yield first + start, [cell.strip() for cell in cells]
                start = reader.line_num
        except csv.Error as error:
            raise InputError(f"{path}, line {first + start}: {error}") from None

    rows = (row for row in numbered() if any(row[1]))
    _, names = next(rows, (first, []))
    if not names:
        raise InputError(f"{path} is empty; a table begins with the names of its columns")
    return names, rows


def _columns(path: Path, line: int, names: Sequence[str], head: _Head) -> tuple[Column, ...]:
    """Return the columns of a file in its order."""
    place = f"{path}, line {line}"
    if repeated := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{place}: two columns are called {repeated[0]!r}; rename one")
    known = {column.name: column for column in head.columns}
    if not known:
        known = {name: Column(name, direction="higher") for name in names} | {"model": Column("model", "key")}
    for name in names:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            raise InputError(
                f"{place}: the column {name!r} is unknown; the nearest is {nearest!r}, or describe it above the names "
                f"of the columns, as in '# column {name}: number, higher is better'"
            )
    keys = [column.name for column in known.values() if column.kind == "key"]
    if not keys:
        raise InputError(f"{path} describes no column as a key; write '# column {names[0]}: key' for the rows' names")
    if absent := [name for name in keys if name not in names]:
        raise InputError(f"{place}: there is no column {absent[0]!r}, which names the rows; it has {', '.join(names)}")
    return tuple(known[name] for name in names)


def _rows(path: Path, columns: Sequence[Column], records: Iterable[tuple[int, list[str]]]) -> Iterator[TableRow]:
    lines: dict[str, int] = {}
    for line, texts in records:
        place = f"{path}, line {line}"
        if len(texts) != len(columns):
            raise InputError(f"{place} has {len(texts)} cells, and the table has {len(columns)} columns")
        cells = {}
        for column, text in zip(columns, texts, strict=True):
            try:
                cells[column.name] = read_cell(text, column.kind)
            except ValueError as error:
                raise InputError(
                    f"{place}: {column.name} is {error}; a missing one is empty, - or a remark in brackets, and a "
                    f"column of words is described by '# column {column.name}: text'"
                ) from None
        stated = [(each.name, cells[each.name].text) for each in columns if each.kind == "key"]
        first, *others = [(column, text) for column, text in stated if text not in ("", "-")] or [("", "")]
        label = ", ".join([first[1], *(f"{column} {text}" for column, text in others)])
        if not label:
            raise InputError(f"{place} has no name in the column that names the rows")
        key = model_key(label)
        if key in lines:
            raise InputError(f"{place}: {label!r} is in line {lines[key]} too; a table has one row for each model")
        lines[key] = line
        yield TableRow(label, cells)


def numbers(row: TableRow) -> dict[str, float]:
    """Return the numbers that a row states, by column."""
    return {name: cell.number for name, cell in row.cells.items() if cell.number is not None}
