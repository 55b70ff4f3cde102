"""Parts of the input: what one task cleans, under a name that changes whenever its output would."""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Sequence

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.draft import seed_of
from tanuki_jax.corpus.cleaning.pipeline import Input, Pipeline
from tanuki_jax.corpus.records.files import InputFile, Slice, expand
from tanuki_jax.corpus.records.formats.by_suffix import format_of
from tanuki_jax.corpus.records.read import split

PART_FILES = 1_000
"""Most files of a part."""


@dataclasses.dataclass(frozen=True)
class Part:
    """Slices of files of one source: a part of a large file, or several small files."""

    name: str
    """Hash of the source, the files, their sizes and times, and the rules: the stem of the part's files."""
    source: str
    text_field: str
    slices: tuple[Slice, ...]
    files: tuple[InputFile, ...]
    """Files of the slices, each once."""


@dataclasses.dataclass(frozen=True)
class Parts:
    """All parts of a run, and the files that cannot be read at all."""

    parts: tuple[Part, ...]
    unreadable: tuple[str, ...]
    """A sentence for each file whose beginning is damaged."""
    empty: tuple[str, ...]
    """Paths of files without a byte."""


def cut(pipeline: Pipeline, rules_key: str) -> Parts:
    """Return the parts of a pipeline's inputs, in the order of the inputs and their paths.

    InputError if a pattern matches no file, or a file is none of text by its name.
    """
    parts: list[Part] = []
    unreadable: list[str] = []
    empty: list[str] = []
    for each in pipeline.inputs:
        pieces: list[tuple[InputFile, Slice]] = []
        for file in expand(each.paths):
            format_of(file.path)
            if not file.bytes:
                empty.append(file.path)
                continue
            try:
                pieces += [(file, slice) for slice in split(file, pipeline.part_bytes)]
            except InputError as error:
                unreadable.append(str(error))
        parts += [_part(each, group, rules_key) for group in _groups(pieces, pipeline.part_bytes)]
    return Parts(tuple(parts), tuple(unreadable), tuple(empty))


def _groups(pieces: Sequence[tuple[InputFile, Slice]], part_bytes: int) -> Iterator[list[tuple[InputFile, Slice]]]:
    """Yield the pieces in groups: a piece of a file that was cut alone, small files together.

    A group ends after a file whose hash is small for its size, so that a file that is added changes its own group, or
    cuts it in two, and leaves the others as they are.
    """
    group: list[tuple[InputFile, Slice]] = []
    size = 0
    for file, slice in pieces:
        if file.bytes >= part_bytes:
            yield [(file, slice)]
            continue
        group.append((file, slice))
        size += file.bytes
        ends = seed_of(file.path.rpartition("/")[2]) / 2**64 < file.bytes / part_bytes
        if ends or size >= 4 * part_bytes or len(group) == PART_FILES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _part(source: Input, pieces: Sequence[tuple[InputFile, Slice]], rules_key: str) -> Part:
    slices = tuple(slice for _, slice in pieces)
    files = tuple(dict.fromkeys(file for file, _ in pieces))
    content = [
        rules_key,
        source.name,
        source.text_field,
        [dataclasses.astuple(slice) for slice in slices],
        [(file.bytes, file.modified) for file in files],
    ]
    name = hashlib.blake2b(json.dumps(content).encode(), digest_size=8).hexdigest()
    return Part(name, source.name, source.text_field, slices, files)
