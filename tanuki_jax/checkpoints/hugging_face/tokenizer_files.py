"""The tokenizer in a model folder, and the agreement of its two forms."""

import itertools
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat import template_files
from tanuki_jax.corpus.records.files import expand
from tanuki_jax.corpus.records.read import read, split
from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.tasks.registry import FAMILIES
from tanuki_jax.data.tokenizer.copy_tokenizer import copy_tokenizer
from tanuki_jax.data.tokenizer.export import Disagreement, disagreement, export, is_unigram, write_sentencepiece_config
from tanuki_jax.data.tokenizer.load import JSON, find_file, load

SAMPLE = 5000
"""Texts compared when no files are given."""


def write(source: Path, folder: Path) -> None:
    """Write the tokenizer at `source` with its chat template into a model folder, as a `tokenizer.json`.

    A SentencePiece model is copied too. One that is no unigram model is copied alone, which transformers converts.
    """
    copy_tokenizer(source, folder)
    if (folder / JSON).is_file():
        return
    template = template_files.find(source)
    if is_unigram(find_file(source)):
        export(source, folder)
    elif not (folder / template_files.CONFIG).is_file():
        write_sentencepiece_config(find_file(source), folder)
    if template is not None:
        template_files.write(folder, template)


def compare(tokenizer: Path, files: Sequence[str]) -> Disagreement:
    """Count the lines that SentencePiece and the `tokenizer.json` beside it encode differently.

    If there is no `tokenizer.json`, one is made for the comparison.

    Args:
        tokenizer: folder with a `tokenizer.model`, or such a file.
        files: paths or globs of documents to take lines from; none: SAMPLE lines of Python's library and of
            rule-written Japanese.
    """
    model = find_file(tokenizer)
    if model.suffix != ".model":
        raise InputError(f"{tokenizer} has no SentencePiece model, so there is nothing to compare {JSON} with")
    with TemporaryDirectory() as temporary:
        exported = model.with_name(JSON)
        if not exported.is_file():
            export(model, Path(temporary))
            exported = Path(temporary) / JSON
        return disagreement(load(model), load(exported), _lines_of(files) if files else _sample())


def _lines_of(files: Sequence[str]) -> Iterator[str]:
    for file in expand(files):
        for part in split(file, 1 << 26):
            for row in read(part, text_field="text"):
                if isinstance(row.record, Document):
                    yield from (line for line in row.record.text.splitlines() if line)


def _sample() -> Iterator[str]:
    library = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    code = [line for path in library for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    yield from code[:: 2 * len(code) // SAMPLE + 1]
    japanese = (
        message.content
        for key in range(SAMPLE)
        for family in FAMILIES.values()
        for message in family.generate(key).messages
    )
    yield from itertools.islice(japanese, SAMPLE // 2)
