"""The door from outside: its exit codes, and what signals and a refused write leave behind."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.prepare import main

CONFIG = """
from tanuki_jax.config import experiment as e
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.config.model import Model

def words():
    source = Source(name="words", paths=("{folder}/words.jsonl",))
    return Mixture(sources=(source,), stages=(Stage(weights={{"words": 1.0}}),))

def run():
    data = e.Data(
        mixture="{folder}/config.py:words", tokenizer=e.Tokenizer(path="{tokenizer}", pieces=420), stores="{folder}/stores",
        sequence_length=8, batch_rows=1,
    )
    return e.Experiment(
        name="run", model=Model(vocabulary=512, width=8, hidden=8, layers=1, heads=1, kv_heads=1), data=data, steps=1,
        schedule=e.Schedule(peak=1e-3), checkpoints=e.Checkpoints(every_steps=1), held_out=e.HeldOut(every_steps=1, rows=1),
    )
"""

LIMITED = """
import resource, runpy, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
sys.argv[0] = "prepare"
runpy.run_module("tanuki_jax.prepare", run_name="__main__")
"""


def command(corpus: Path, stores: Path) -> list[str]:
    return [
        sys.executable,
        "-m",
        "tanuki_jax.prepare",
        f"--config={corpus}/config.py:run",
        f"--data.stores={stores}",
        "--workers=2",
    ]


@pytest.fixture(scope="module")
def corpus(
    tmp_path_factory: pytest.TempPathFactory, tokenizer_folder: Path, texts: Callable[[int, int, int], list[str]]
) -> Path:
    """A folder with a config and its source of about 9 MB, nine units."""
    folder = tmp_path_factory.mktemp("corpus")
    documents = texts(3, 400, 1_500) * 3
    with (folder / "words.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in documents)
    (folder / "config.py").write_text(CONFIG.format(folder=folder, tokenizer=tokenizer_folder))
    return folder


@pytest.fixture(scope="module")
def undisturbed(corpus: Path) -> Path:
    """The store of a run to which nothing happened."""
    run = subprocess.run(command(corpus, corpus / "stores"), capture_output=True, text=True, check=True)
    assert re.search(r"words +1,200 .* new", run.stdout)
    return corpus / "stores" / "words"


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def is_running(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(("signal_number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_a_run_that_is_killed_or_interrupted_is_continued_to_the_same_bytes(
    tmp_path: Path, corpus: Path, undisturbed: Path, signal_number: int, code: int
) -> None:
    run = subprocess.Popen(command(corpus, tmp_path), stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob(".words.parts-*/*.npz")):
        assert run.poll() is None
        time.sleep(0.01)
    workers = [int(child) for child in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()]
    os.kill(run.pid, signal_number)
    _, said = run.communicate(timeout=20)
    assert run.returncode == code and "Traceback" not in said
    deadline = time.monotonic() + 20
    while any(is_running(worker) for worker in workers):
        assert time.monotonic() < deadline, "a worker process outlived the command"
        time.sleep(0.02)
    assert not (tmp_path / "words").exists()

    again = subprocess.run(command(corpus, tmp_path), capture_output=True, text=True, check=True)
    assert "were encoded by an earlier run" in again.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "words"]
    assert content(tmp_path / "words") == content(undisturbed)


def test_a_refused_write_leaves_nothing_half_written_and_the_next_run_makes_the_store(
    tmp_path: Path, corpus: Path, undisturbed: Path
) -> None:
    words = command(corpus, tmp_path)
    limited = subprocess.run([sys.executable, "-c", LIMITED, *words[3:]], capture_output=True, text=True, check=False)
    assert limited.returncode != 0 and "File too large" in limited.stderr
    assert list(content(tmp_path)) == [".lock"]
    subprocess.run(words, capture_output=True, check=True)
    assert content(tmp_path / "words") == content(undisturbed)


def test_bad_input_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text(CONFIG.format(folder=tmp_path, tokenizer=tmp_path / "tokenizer"))
    words = command(tmp_path, tmp_path / "stores")
    run = subprocess.run(words, capture_output=True, text=True, check=False)
    assert run.returncode == 2 and run.stdout == ""
    assert run.stderr == (
        f"tanuki_jax.prepare: the mixture reads what this machine does not have: words (no file matches {tmp_path}/words.jsonl)\n"
    )
    with pytest.raises(InputError, match="--workers is -1, and must not be negative"):
        main([*words[3:-1], "--workers=-1"])
    with pytest.raises(InputError, match="--preview is -1, and must not be negative"):
        main([*words[3:], "--preview=-1"])
    assert [path.name for path in tmp_path.iterdir()] == ["config.py"]


CHATS = CONFIG.replace('("{folder}/words.jsonl",))', '("{folder}/words.jsonl",), form="chat")').replace(
    "pieces=420", 'pieces=420, chat_template="tanuki"'
)


def test_the_table_has_a_column_for_what_is_special_in_chats_and_a_preview_makes_nothing(
    tmp_path: Path, tokenizer_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizer = tmp_path / "tokenizer"
    shutil.copytree(tokenizer_folder, tokenizer)
    (tmp_path / "config.py").write_text(CHATS.format(folder=tmp_path, tokenizer=tokenizer))
    rows = [
        {"instruction": "東京", "output": "狸"},
        {"instruction": "東京", "output": "狸" * 300},
        {"instruction": "名前は", "output": "猫"},
    ]
    (tmp_path / "words.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = [*command(tmp_path, tmp_path / "stores")[3:], "--data.sequence-length=200", "--data.malformed-share=0.5"]
    main([*words, "--preview=2"])
    shown = capsys.readouterr().out
    assert "⟦狸" in shown and "words.jsonl:2  dropped: " in shown and "名前は" not in shown
    assert not (tmp_path / "stores").exists()
    main(words)
    said = capsys.readouterr()
    head, *lines = [line.split() for line in said.out.splitlines() if line.strip()]
    assert head[-5:] == ["malformed", "records", "learned", "dropped", "store"]
    (*_, made), passes = lines[:-1], " ".join(lines[-1])
    assert made[:2] == ["words", "2"] and made[-5:] == ["0", "2", made[-3], "1", "new"]
    assert re.fullmatch(r"steps of one pass, packed in batches of \d+ rows: words 1; this run has \d+ steps", passes)
    assert f"skipped {tmp_path}/words.jsonl:2: " in said.err


def test_neither_the_door_nor_a_worker_imports_jax() -> None:
    program = (
        "import sys, tanuki_jax.prepare, tanuki_jax.data.preparation.prepare_data\n"
        "sys.exit(bool({'jax', 'jaxlib', 'flax', 'grain'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
