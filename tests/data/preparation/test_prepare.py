"""Run the command as a process: exit codes, and the files that signals and a refused write leave behind."""

import contextlib
import json
import os
import random
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
        mixture="{folder}/config.py:words", tokenizer=e.Tokenizer(path="{tokenizer}", pieces=420),
        stores="{folder}/stores",
        sequence_length=8, batch_rows=1,
    )
    return e.Experiment(
        name="run", model=Model(vocabulary=512, width=8, hidden=8, layers=1, heads=1, kv_heads=1), data=data, steps=1,
        schedule=e.Schedule(peak=1e-3), checkpoints=e.Checkpoints(every_steps=1),
        held_out=e.HeldOut(every_steps=1, rows=1),
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
    """Folder with a config and its source of about 9 MB, nine units."""
    folder = tmp_path_factory.mktemp("corpus")
    documents = texts(3, 400, 1_500) * 3
    with (folder / "words.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in documents)
    (folder / "config.py").write_text(CONFIG.format(folder=folder, tokenizer=tokenizer_folder))
    return folder


@pytest.fixture(scope="module")
def undisturbed(corpus: Path) -> Path:
    """Store of a run that was not interrupted."""
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


@pytest.mark.thorough
@pytest.mark.parametrize(("signal_number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_a_killed_or_interrupted_run_is_continued_to_the_same_bytes(
    tmp_path: Path, corpus: Path, undisturbed: Path, signal_number: int, code: int
) -> None:
    run = subprocess.Popen(command(corpus, tmp_path), stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob(".words.parts-*/*.npz")):
        assert run.poll() is None
        time.sleep(0.01)
    workers = [int(child) for child in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()]
    os.kill(run.pid, signal_number)
    _, printed = run.communicate(timeout=20)
    assert run.returncode == code and "Traceback" not in printed
    deadline = time.monotonic() + 20
    while any(is_running(worker) for worker in workers):
        assert time.monotonic() < deadline, "a worker process outlived the command"
        time.sleep(0.02)
    assert not (tmp_path / "words").exists()

    again = subprocess.run(command(corpus, tmp_path), capture_output=True, text=True, check=True)
    assert "were encoded by an earlier run" in again.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "words"]
    assert content(tmp_path / "words") == content(undisturbed)


def test_the_others_finish_what_a_killed_process_was_merging(tmp_path: Path, corpus: Path, undisturbed: Path) -> None:
    runs = [
        subprocess.Popen([*command(corpus, tmp_path), "--join"], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    while not (claims := list(tmp_path.glob(".words.parts-*/.merge.claim"))) or not list(tmp_path.glob(".*/*.npz")):
        assert not any(run.poll() for run in runs)
        time.sleep(0.01)
    merging = json.loads(claims[0].read_text())["process"]
    (killed,), (other,) = ([run for run in runs if (run.pid == merging) is here] for here in (True, False))
    killed.kill()
    table, _ = other.communicate(timeout=60)
    killed.communicate()
    assert (killed.returncode, other.returncode) == (-signal.SIGKILL, 0)
    assert re.search(r"words +1,200 .* new", table)
    assert content(tmp_path / "words") == content(undisturbed)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "words"]


@pytest.mark.long
def test_killed_at_random_the_rest_or_a_new_start_makes_the_same_store(
    tmp_path: Path, corpus: Path, undisturbed: Path
) -> None:
    """Start three processes, and kill one to three of them and perhaps a worker, at random times; then start again."""
    for seed in range(20):
        choose, stores = random.Random(seed), tmp_path / str(seed)
        joined = [*command(corpus, stores), "--join"]
        runs = [subprocess.Popen(joined, stderr=subprocess.PIPE, text=True) for _ in range(3)]
        for run in choose.sample(runs, choose.randint(1, 3)):
            time.sleep(choose.uniform(0, 3))
            children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
            workers = children.read_text().split() if run.poll() is None else []
            victim = int(choose.choice(workers)) if workers and choose.random() < 0.3 else run.pid
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        printed = [run.communicate(timeout=100)[1] for run in runs]
        # Python's own tracker of semaphores prints a traceback when a process that it tracks is killed.
        assert not any(re.search('File ".*tanuki_jax/', text) for text in printed), printed
        if not (stores / "words").exists():
            assert all(run.returncode for run in runs)
            subprocess.run(joined, capture_output=True, check=True)
        assert content(stores / "words") == content(undisturbed)
        subprocess.run(joined, capture_output=True, check=True)
        assert sorted(path.name for path in stores.iterdir()) == [".lock", "words"]


def test_one_of_those_who_join_trains_the_tokenizer(
    tmp_path: Path, texts: Callable[[int, int, int], list[str]]
) -> None:
    (tmp_path / "config.py").write_text(CONFIG.format(folder=tmp_path, tokenizer=tmp_path / "tokenizer"))
    lines = [json.dumps({"text": text}) + "\n" for text in texts(3, 300, 40)]
    (tmp_path / "words.jsonl").write_text("".join(lines), encoding="utf-8")
    joined = [*command(tmp_path, tmp_path / "stores"), "--join"]
    runs = [subprocess.Popen(joined, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert sum(errors.count("training a tokenizer of 420 pieces") for _, errors in printed) == 1
    assert all(re.search(r"words +300 ", table) for table, _ in printed)


def test_a_refused_write_leaves_no_partial_file_and_can_be_repeated(
    tmp_path: Path, corpus: Path, undisturbed: Path
) -> None:
    words = command(corpus, tmp_path)
    limited = subprocess.run([sys.executable, "-c", LIMITED, *words[3:]], capture_output=True, text=True, check=False)
    assert limited.returncode != 0 and "File too large" in limited.stderr
    assert list(content(tmp_path)) == [".lock"]
    subprocess.run(words, capture_output=True, check=True)
    assert content(tmp_path / "words") == content(undisturbed)


def test_bad_input_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text(CONFIG.format(folder=tmp_path, tokenizer=tmp_path / "tokenizer"))
    words = command(tmp_path, tmp_path / "stores")
    run = subprocess.run(words, capture_output=True, text=True, check=False)
    assert run.returncode == 2 and run.stdout == ""
    assert run.stderr == (
        "tanuki_jax.prepare: the mixture has sources that cannot be read here: words (no file matches "
        f"{tmp_path}/words.jsonl)\n"
    )
    with pytest.raises(InputError, match="--workers is -1, and must be at least 0"):
        main([*words[3:-1], "--workers=-1"])
    with pytest.raises(InputError, match="--preview is -1, and must be at least 0"):
        main([*words[3:], "--preview=-1"])
    assert [path.name for path in tmp_path.iterdir()] == ["config.py"]


CHATS = CONFIG.replace('("{folder}/words.jsonl",))', '("{folder}/words.jsonl",), form="chat")').replace(
    "pieces=420", 'pieces=420, chat_template="tanuki"'
)


def test_the_table_has_columns_for_chats_and_a_preview_writes_no_file(
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
    printed = capsys.readouterr()
    head, *lines = [line.split() for line in printed.out.splitlines() if line.strip()]
    assert head[-5:] == ["malformed", "records", "learned", "dropped", "store"]
    (*_, store), epochs = lines[:-1], " ".join(lines[-1])
    assert store[:2] == ["words", "2"] and store[-5:] == ["0", "2", store[-3], "1", "new"]
    assert re.fullmatch(r"steps per epoch, in batches of \d+ rows: words 1; this run has \d+ steps", epochs)
    assert f"skipped {tmp_path}/words.jsonl:2: " in printed.err


def test_neither_the_command_nor_a_worker_imports_jax() -> None:
    program = (
        "import sys, tanuki_jax.prepare, tanuki_jax.data.preparation.prepare_data\n"
        "sys.exit(bool({'jax', 'jaxlib', 'flax', 'grain'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
