"""Ids that begin, end and fill texts: of tokenizer, template, and the folder that a checkpoint came from."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from tanuki_jax.checkpoints.format import ImportedIds, State
from tanuki_jax.checkpoints.token_ids import TokenIds, token_ids
from tanuki_jax.config.model import Model
from tanuki_jax.corpus.chat import builtin, template_files
from tanuki_jax.data.tokenizer.load import load

MODEL = Model(vocabulary=400, width=4, hidden=4, layers=1, heads=1, kv_heads=1)
CAME = ImportedIds(bos=(9,), eos=(1, 12), pad=(0,))


def state(ids: ImportedIds) -> State:
    return dataclasses.replace(State.converted(MODEL, 16), ids=ids)


@pytest.fixture
def with_template(tokenizer: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "tokenizer"
    shutil.copytree(tokenizer, folder)
    template_files.write(folder, builtin.find("tanuki"))
    return folder


def test_without_a_tokenizer_the_ids_are_those_that_came() -> None:
    assert token_ids(state(CAME), None) == TokenIds(9, (1, 12), 0)
    assert token_ids(state(ImportedIds()), None) == TokenIds(None, (), None)


def test_the_end_of_an_answer_comes_before_that_of_a_document(tokenizer: Path, with_template: Path) -> None:
    known = load(tokenizer)
    assert (known.eos, known.eod, known.pad) == (2, 6, 3)
    assert token_ids(state(ImportedIds()), tokenizer) == TokenIds(known.bos, (6,), 3)
    assert token_ids(state(ImportedIds()), with_template) == TokenIds(known.bos, (2, 6), 3)


def test_ids_that_came_count_for_the_tokenizer_that_they_came_with(with_template: Path) -> None:
    known = load(with_template)
    same = dataclasses.replace(CAME, tokenizer=known.fingerprint)
    assert token_ids(state(same), with_template) == TokenIds(9, (2, 6, 1, 12), 0)
    assert token_ids(state(CAME), with_template) == TokenIds(known.bos, (2, 6), 3)


def test_a_template_of_another_tokenizer_is_left_out(tokenizer: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tokenizer"
    shutil.copytree(tokenizer, folder)
    template_files.write(folder, builtin.find("chatml"))
    assert token_ids(state(ImportedIds()), folder).ends == (6,)
