import dataclasses
import fcntl
import multiprocessing
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.leases import claim_path
from tanuki_jax.config import experiment
from tanuki_jax.config.experiment import Data
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.corpus.chat import builtin, template_files
from tanuki_jax.corpus.tasks.splits import conversation
from tanuki_jax.data.preparation import prepare_data
from tanuki_jax.data.preparation.build_store import build
from tanuki_jax.data.preparation.inventory import Inventory, take_inventory
from tanuki_jax.data.preparation.prepare_data import prepare
from tanuki_jax.data.store import Store
from tanuki_jax.data.tokenizer.chat_tokens import encode_chat
from tanuki_jax.data.tokenizer.load import load


@pytest.fixture
def mixture(
    tmp_path: Path, texts: Callable[[int, int, int], list[str]], write_json_lines: Callable[[Path, list[str]], Path]
) -> Mixture:
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


def files_in(*folders: Path) -> dict[Path, tuple[int, int]]:
    """Return inode and time of the last change of each file, without the lock."""
    paths = (path for folder in folders for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}


def test_a_first_run_makes_all_stores_and_a_second_none(tmp_path: Path, mixture: Mixture) -> None:
    wanted = data(tmp_path, tmp_path / "tokenizer")
    first = prepare(wanted, mixture, workers=2)
    assert [(entry.store.name, entry.store.documents, entry.is_new) for entry in first] == [
        ("files", 400, True),
        ("sums", 300, True),
    ]
    tokenizer = load(tmp_path / "tokenizer")
    assert {entry.store.tokenizer_fingerprint for entry in first} == {tokenizer.fingerprint}
    sums = first[1].store
    question, answer = conversation(("arithmetic",), 41, 0).messages
    start, stop = sums.offsets[41:43]
    tokens = sums.read(np.array([start]), np.array([stop - start])).tolist()
    assert (
        tokenizer.decode(tokens[:-1]) == f"user: {question.content}\nassistant: {answer.content}"
        and tokens[-1] == tokenizer.eod
    )
    assert (sums.origin(41).path, sums.origin(41).row) == ("tasks:arithmetic", 42)

    before = files_in(tmp_path / "stores", tmp_path / "tokenizer")
    second = prepare(wanted, mixture, workers=2)
    assert files_in(tmp_path / "stores", tmp_path / "tokenizer") == before
    assert [(entry.store.fingerprint, entry.is_new) for entry in second] == [
        (entry.store.fingerprint, False) for entry in first
    ]


def test_a_held_out_source_is_added_to_what_is_prepared(
    tmp_path: Path, mixture: Mixture, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = data(tmp_path, tmp_path / "tokenizer")
    prepare(wanted, mixture, workers=1)
    before = files_in(tmp_path / "stores", tmp_path / "tokenizer")
    exam = Source(name="exam", tasks=("table",), documents=20, held_out=True)
    watched = dataclasses.replace(mixture, sources=(*mixture.sources, exam))
    added = prepare(wanted, watched, workers=1)
    assert [(entry.store.name, entry.is_new) for entry in added] == [("files", False), ("sums", False), ("exam", True)]
    assert before.items() <= files_in(tmp_path / "stores", tmp_path / "tokenizer").items()
    assert "it was trained" not in caplog.text


@pytest.fixture
def prepared(tmp_path: Path, mixture: Mixture, tokenizer_folder: Path) -> Data:
    wanted = data(tmp_path, tokenizer_folder / "tokenizer.model")
    prepare(wanted, mixture, workers=1)
    return wanted


def test_a_store_that_differs_from_what_would_be_made_is_refused(
    tmp_path: Path, mixture: Mixture, prepared: Data
) -> None:
    def refused(message: str, data: Data = prepared, **changes: Any) -> None:
        sources = tuple(
            dataclasses.replace(source, **changes) if source.name == "files" else source for source in mixture.sources
        )
        with pytest.raises(InputError, match=rf"{message}; delete .* to prepare it again"):
            prepare(data, dataclasses.replace(mixture, sources=sources), workers=1)

    other = dataclasses.replace(prepared.tokenizer, path=str(tmp_path / "other"))
    refused("stores/files was made with another tokenizer", data=dataclasses.replace(prepared, tokenizer=other))
    refused("stores/files was made with text_field = 'text', not 'body'", text_field="body")
    file = tmp_path / "a.jsonl"
    (tmp_path / "b.jsonl").write_text("{}\n")
    refused(f"1 files, and the source now has {tmp_path}/b.jsonl too", paths=(str(tmp_path / "*.jsonl"),))
    refused(f"made with {file}, which the source no longer has", paths=(str(tmp_path / "b.jsonl"),))
    size = file.stat().st_size
    with file.open("a") as appended:
        appended.write('{"text": "more"}\n')
    refused(f"made with {file} when it had {size:,} bytes, not {size + 17:,}")


def test_a_missing_source_is_named_before_any_file_is_made(tmp_path: Path, mixture: Mixture) -> None:
    (tmp_path / "a.jsonl").unlink()
    with pytest.raises(InputError, match=rf"files \(no file matches {tmp_path}/a.jsonl\)"):
        prepare(data(tmp_path, tmp_path / "tokenizer"), mixture, workers=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["none.model", "tokenizer.json"])
def test_a_missing_tokenizer_file_is_named_and_not_trained(tmp_path: Path, mixture: Mixture, name: str) -> None:
    with pytest.raises(InputError, match=f"no tokenizer at {tmp_path}/{name}"):
        prepare(data(tmp_path, tmp_path / name), mixture, workers=1)


def test_only_one_process_at_a_time_prepares_the_same_stores(
    tmp_path: Path, mixture: Mixture, tokenizer_folder: Path
) -> None:
    (tmp_path / "stores").mkdir()
    with (tmp_path / "stores" / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(InputError, match=f"another process prepares the stores in {tmp_path}/stores.*--join"):
            prepare(data(tmp_path, tokenizer_folder), mixture, workers=1)
        fcntl.flock(file, fcntl.LOCK_SH)
        with pytest.raises(InputError, match=f"another process prepares the stores in {tmp_path}/stores.*--join"):
            prepare(data(tmp_path, tokenizer_folder), mixture, workers=1)
        assert [entry.is_new for entry in prepare(data(tmp_path, tokenizer_folder), mixture, 1, join=True)] == [
            True
        ] * 2


def test_leftovers_of_killed_processes_are_deleted(tmp_path: Path, mixture: Mixture, prepared: Data) -> None:
    leftovers = (".files.parts-1/00000000.npz", ".sums.parts-2/.00000000.npz.1.partial", ".new.parts-3/.draft/x")
    for name in (*leftovers, ".new.parts-3/00000000.npz", ".elsewhere.parts-4/.draft/x"):
        path = tmp_path / "stores" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    claim_path(tmp_path / "stores" / ".elsewhere.parts-4", "merge").write_text('{"host": "another", "process": 7}')
    prepare(prepared, mixture, workers=1)
    left = sorted(str(path.relative_to(tmp_path / "stores")) for path in (tmp_path / "stores").glob(".*.parts*/*"))
    assert left == [".elsewhere.parts-4/.draft", ".elsewhere.parts-4/.merge.claim", ".new.parts-3/00000000.npz"]


def test_those_who_join_must_prepare_the_same(
    tmp_path: Path, mixture: Mixture, tokenizer_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def built_by_another(inventory: Inventory, *rest: Any, **more: Any) -> Store:
        source = dataclasses.replace(mixture.sources[1], documents=299)
        (other,) = take_inventory(Mixture(sources=(source,), stages=(Stage(weights={"sums": 1.0}),)))
        return build(other if inventory.name == "sums" else inventory, *rest, **more)

    monkeypatch.setattr(prepare_data, "build", built_by_another)
    with pytest.raises(InputError, match="stores/sums was made with documents = 299"):
        prepare(data(tmp_path, tokenizer_folder), mixture, workers=1, join=True)


def test_a_killed_worker_is_reported(tmp_path: Path, mixture: Mixture, tokenizer_folder: Path) -> None:
    others = {process.pid for process in multiprocessing.active_children()}

    def kill_the_first_worker() -> None:
        deadline = time.monotonic() + 30
        while not (workers := [child for child in multiprocessing.active_children() if child.pid not in others]):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        workers[0].kill()

    killer = threading.Thread(target=kill_the_first_worker)
    killer.start()
    with pytest.raises(InputError, match=r"a worker process was killed, .*: continue with fewer --workers"):
        prepare(data(tmp_path, tokenizer_folder), mixture, workers=1)
    killer.join()


@pytest.fixture
def chats() -> Mixture:
    sources = (
        Source(name="chats", tasks=("arithmetic",), documents=20, form="chat"),
        Source(name="sums", tasks=("table",), documents=9),
    )
    return Mixture(sources=sources, stages=(Stage(weights={"chats": 1.0, "sums": 1.0}),))


def of_chats(tmp_path: Path, tokenizer_folder: Path, **changes: object) -> Data:
    """Return data with a copy of the tokenizer, so that a template can be written into its folder."""
    if not (tmp_path / "copy").exists():
        shutil.copytree(tokenizer_folder, tmp_path / "copy")
    wanted = dataclasses.replace(data(tmp_path, tmp_path / "copy"), sequence_length=1_000)
    tokenizer = dataclasses.replace(wanted.tokenizer, **changes)  # type: ignore[arg-type]
    return dataclasses.replace(wanted, tokenizer=tokenizer)


def test_the_template_is_written_to_the_tokenizer_and_read_from_it(
    tmp_path: Path, chats: Mixture, tokenizer_folder: Path
) -> None:
    with pytest.raises(InputError, match=rf"{tmp_path}/copy has no chat template"):
        prepare(of_chats(tmp_path, tokenizer_folder), chats, workers=1)
    first, texts = prepare(of_chats(tmp_path, tokenizer_folder, chat_template="tanuki"), chats, workers=1)
    template = template_files.read(tmp_path / "copy")
    assert template.source == builtin.find("tanuki").source
    (tokens, learned), question = of_document(first.store, 3), conversation(("arithmetic",), 3, 0).messages
    expected = encode_chat(load(tmp_path / "copy"), template, question)
    assert tokens.tolist() == expected.ids.tolist() and learned.tolist() == expected.learned.tolist()
    assert first.store.settings == {
        "documents": 20,
        "form": "chat",
        "template": template.fingerprint,
        "sequence_length": 1_000,
    }
    assert texts.store.settings == {"documents": 9} and not texts.store.has_learned
    for name in ("", "tanuki"):
        again = prepare(of_chats(tmp_path, tokenizer_folder, chat_template=name), chats, workers=1)
        assert not any(entry.is_new for entry in again)


def of_document(store: Store, document: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the tokens of a document, and which of them are learned."""
    start, length = store.offsets[document : document + 1], np.diff(store.offsets)[document : document + 1]
    return store.read(start, length), store.read_learned(start, length)


def test_another_template_or_row_length_than_the_stores_is_refused(
    tmp_path: Path, chats: Mixture, tokenizer_folder: Path
) -> None:
    wanted = of_chats(tmp_path, tokenizer_folder, chat_template="tanuki")
    prepare(wanted, chats, workers=1)
    with pytest.raises(InputError, match=r"stores/chats was made with sequence_length = 1000, not 999; delete"):
        prepare(dataclasses.replace(wanted, sequence_length=999), chats, workers=1)
    template_files.write(tmp_path / "copy", builtin.find("user_assistant"))
    with pytest.raises(InputError, match="stores/chats was made with template = "):
        prepare(of_chats(tmp_path, tokenizer_folder), chats, workers=1)


def test_a_template_that_marks_nothing_as_learned_is_not_written(
    tmp_path: Path, chats: Mixture, tokenizer_folder: Path
) -> None:
    (tmp_path / "plain.jinja").write_text(
        "{% for message in messages %}{{ message.content }}{{ eos_token }}{% endfor %}"
    )
    with pytest.raises(InputError, match=r"plain\.jinja has no {% generation %}"):
        prepare(of_chats(tmp_path, tokenizer_folder, chat_template=str(tmp_path / "plain.jinja")), chats, workers=1)
    assert template_files.find(tmp_path / "copy") is None
    with pytest.raises(InputError, match=r"there is no chat template none\.jinja"):
        prepare(of_chats(tmp_path, tokenizer_folder, chat_template="none.jinja"), chats, workers=1)
