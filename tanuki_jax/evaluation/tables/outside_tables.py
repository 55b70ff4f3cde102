"""Tables that others published, by name; a user's own file is read in the same way."""

from collections.abc import Sequence
from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.tables.read_table import OutsideTable, read_table

_FOLDER = Path(__file__).parent / "data"
NAMES = ("board", "probe_matrix", "post_training", "contest", "mt_bench_by_tokens")
"""Tables of the package, each a file in `data/`: model names and numbers, with their source in the file."""
TANUKIS = ("Tanuki-8x8B-dpo-v1.0", "Tanuki-8B-dpo-v1.0")
"""Models that the deck leaves out of its second correlation."""


def shipped(name: str) -> OutsideTable:
    """Return a table of the package."""
    return read_table(name, _FOLDER / f"{name}.tsv")


def outside_tables(words: Sequence[str]) -> tuple[list[OutsideTable], list[OutsideTable]]:
    """Return the tables of the package that the words select, and the user's own ones.

    A word is the name of a table of the package, or NAME=FILE for one of the user's. If no word is a name alone, all
    tables of the package are selected. A file with the name of a table of the package has its columns and replaces it.

    Raises:
        InputError: a name is unknown, or two words have one name; a file cannot be read (`read_table`).
    """
    own: dict[str, OutsideTable] = {}
    selected: list[str] = []
    for word in words:
        name, equals, file = word.partition("=")
        if name in own or name in selected:
            raise InputError(f"--table names {name!r} twice; give each table a name of its own")
        if equals and not (name.replace("_", "").replace("-", "").isalnum() and file):
            raise InputError(f"--table {word} is not NAME=FILE, with letters, digits, - and _ in NAME")
        if equals:
            own[name] = read_table(name, Path(file), like=shipped(name) if name in NAMES else None)
        elif name in NAMES:
            selected.append(name)
        else:
            raise InputError(f"there is no table {name!r}; use NAME=FILE for your own, or one of {', '.join(NAMES)}")
    return [shipped(name) for name in selected or NAMES if name not in own], list(own.values())
