import dataclasses
import fcntl
import os
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import pytest

from tanuki_jax.config import experiment
from tanuki_jax.config.experiment import Data
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.data.tokenizer.load import load
from tanuki_jax.errors import InputError
from tanuki_jax.prepare import prepare as preparing
from tanuki_jax.prepare.prepare import prepare
from tanuki_jax.tasks.splits import conversation


@pytest.fixture
def mixture(tmp_path: Path, texts: Callable[[int, int, int], list[str]], write_json_lines: Callable[[Path, list[str]], Path]) -> Mixture:
    file = write_json_lines(tmp_path / "a.jsonl", texts(1, 400, 30))
    sources = (Source(name="files", paths=(str(file),)), Source(name="sums", tasks=("arithmetic",), documents=300))
    return Mixture(sources=sources, stages=(Stage(weights={"files": 1.0, "sums": 1.0}),))


def data(tmp_path: Path, tokenizer: Path) -> Data:
    return Data(
        mixture="unused",
        tokenizer=experiment.Tokenizer(path=str(tokenizer), pieces=520, sample_bytes=20_000),
        stores=str(tmp_path / "stores"),
        sequence_length=8,
        batch_rows=1,
    )


def test_a_first_run_makes_everything_and_a_second_nothing(tmp_path: Path, mixture: Mixture, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = data(tmp_path, tmp_path / "tokenizer")
    first = prepare(wanted, mixture, workers=2)
    assert [(entry.store.name, entry.store.documents, entry.is_new) for entry in first] == [("files", 400, True), ("sums", 300, True)]
    tokenizer = load(tmp_path / "tokenizer")
    assert {entry.store.tokenizer_fingerprint for entry in first} == {tokenizer.fingerprint}
    sums = first[1].store
    question, answer = conversation(("arithmetic",), 41, 0).messages
    start, stop = sums.offsets[41:43]
    tokens = sums.read(np.array([start]), np.array([stop - start])).tolist()
    assert tokenizer.decode(tokens[:-1]) == f"user: {question.content}\nassistant: {answer.content}" and tokens[-1] == tokenizer.eod
    assert (sums.origin(41).path, sums.origin(41).row) == ("tasks:arithmetic", 42)

    monkeypatch.setattr(preparing, "build", None)
    monkeypatch.setattr(preparing, "train", None)
    second = prepare(wanted, mixture, workers=2)
    assert [(entry.store.fingerprint, entry.is_new) for entry in second] == [(entry.store.fingerprint, False) for entry in first]


@pytest.fixture
def prepared(tmp_path: Path, mixture: Mixture, tokenizer_folder: Path) -> Data:
    wanted = data(tmp_path, tokenizer_folder / "tokenizer.model")
    prepare(wanted, mixture, workers=1)
    return wanted


def test_a_store_that_would_come_out_otherwise_is_refused(tmp_path: Path, mixture: Mixture, prepared: Data) -> None:
    def refused(message: str, data: Data = prepared, **changes: object) -> None:
        sources = tuple(dataclasses.replace(source, **changes) if source.name == "files" else source for source in mixture.sources)  # type: ignore[arg-type]
        with pytest.raises(InputError, match=rf"{message}; delete .* to prepare it again"):
            prepare(data, dataclasses.replace(mixture, sources=sources), workers=1)

    other = dataclasses.replace(prepared.tokenizer, path=str(tmp_path / "other"))
    refused("stores/files was made with another tokenizer", data=dataclasses.replace(prepared, tokenizer=other))
    refused("stores/files was made with text_field = 'text'", text_field="body")
    file = tmp_path / "a.jsonl"
    (tmp_path / "b.jsonl").write_text("{}\n")
    refused(f"1 files, and the source now has {tmp_path}/b.jsonl too", paths=(str(tmp_path / "*.jsonl"),))
    refused(f"made with {file}, which the source no longer has", paths=(str(tmp_path / "b.jsonl"),))
    size = file.stat().st_size
    with file.open("a") as appended:
        appended.write('{"text": "more"}\n')
    refused(f"made with {file} when it had {size:,} bytes, not {size + 17:,}")


def test_a_missing_source_is_named_before_anything_is_made(tmp_path: Path, mixture: Mixture) -> None:
    (tmp_path / "a.jsonl").unlink()
    with pytest.raises(InputError, match=rf"files \(no file matches {tmp_path}/a.jsonl\)"):
        prepare(data(tmp_path, tmp_path / "tokenizer"), mixture, workers=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["none.model", "tokenizer.json"])
def test_a_tokenizer_file_that_is_not_there_is_named_and_not_trained(tmp_path: Path, mixture: Mixture, name: str) -> None:
    with pytest.raises(InputError, match=f"no tokenizer at {tmp_path}/{name}"):
        prepare(data(tmp_path, tmp_path / name), mixture, workers=1)


def test_only_one_process_at_a_time_prepares_the_same_stores(tmp_path: Path, mixture: Mixture, tokenizer_folder: Path) -> None:
    (tmp_path / "stores").mkdir()
    with (tmp_path / "stores" / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(InputError, match=f"another process prepares the stores in {tmp_path}/stores"):
            prepare(data(tmp_path, tokenizer_folder), mixture, workers=1)


def test_a_killed_worker_is_reported(tmp_path: Path, mixture: Mixture, tokenizer_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build_with_a_worker_that_dies(inventory: object, folder: object, tokenizer: object, workers: Executor, share: float) -> None:
        workers.submit(os._exit, 9).result()

    monkeypatch.setattr(preparing, "build", build_with_a_worker_that_dies)
    with pytest.raises(InputError, match="a worker process was killed"):
        prepare(data(tmp_path, tokenizer_folder), mixture, workers=1)
