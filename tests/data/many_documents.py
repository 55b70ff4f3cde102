"""Memory and time of `prepare`, and of the loader, by the number of documents.

    python -m tests.data.many_documents .25 1 2 4 8

For each number of millions of documents, of ten words each, `prepare` makes a store with two workers, and another
process makes the plan of an epoch and reads batches. Their memory is looked at every twentieth of a second, and told
apart: what is anonymous is held; pages of mapped files that were only read can be dropped at any time.
Needs about 300 MB of disk a million, in the folder for temporary files.
"""

import dataclasses
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

WORDS, WORDS_OF_A_DOCUMENT = 2_000, 10
PERIOD = 0.05
FILE_DOCUMENTS = 250_000
BATCHES = 100

CONFIG = """
from tanuki_jax.config import experiment as e
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.config.model import Model

def words():
    source = Source(name="words", paths=("{folder}/*.jsonl",))
    return Mixture(sources=(source,), stages=(Stage(weights={{"words": 1.0}}),))

def run():
    data = e.Data(
        mixture="{folder}/config.py:words", tokenizer=e.Tokenizer(path="{tokenizer}", pieces=1_000),
        stores="{folder}/stores", sequence_length=512, batch_rows=64, held_out_share=.001,
    )
    return e.Experiment(
        name="run", model=Model(vocabulary=1_024, width=8, hidden=8, layers=1, heads=1, kv_heads=1), data=data, steps=1,
        schedule=e.Schedule(peak=1e-3), checkpoints=e.Checkpoints(every_steps=1),
        held_out=e.HeldOut(every_steps=1, rows=64),
    )
"""

READ = f"""
import hashlib, itertools, sys, time
from tanuki_jax.config import registry
from tanuki_jax.data.loader import Loader
from tanuki_jax.data.open_stores import open_stores

data = registry.experiment.find(sys.argv[1] + ":run").data
mixture = registry.mixture.find(data.mixture)
began = time.monotonic()
loader = Loader(open_stores(data, mixture), mixture, data, seed=0)
first = loader.batch(0, slice(None))
planned = time.monotonic()
digest = hashlib.blake2b(first.tokens.tobytes(), digest_size=4)
for _, batch in itertools.islice(loader.iterate(1, slice(None)), {BATCHES}):
    digest.update(batch.tokens.tobytes())
print(planned - began, time.monotonic() - planned, digest.hexdigest())
"""


@dataclasses.dataclass
class Memory:
    """Greatest memory of the main process and of all together, in bytes."""

    anonymous: int = 0
    resident: int = 0
    all_anonymous: int = 0
    all_resident: int = 0

    def look(self, process: int) -> None:
        """Look at a process and those that it has started."""
        main, *others = (_anonymous_and_resident(number) for number in (process, *_descendants(process)))
        totals = [sum(column) for column in zip(main, *others, strict=True)]
        self.anonymous, self.resident = max(self.anonymous, main[0]), max(self.resident, main[1])
        self.all_anonymous, self.all_resident = max(self.all_anonymous, totals[0]), max(self.all_resident, totals[1])


def _anonymous_and_resident(process: int) -> tuple[int, int]:
    """Return the anonymous bytes and all resident bytes of a process; zeros if it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0
    fields = {line.split()[0]: line.split()[1] for line in lines if line.startswith(("RssAnon", "VmRSS"))}
    return int(fields.get("RssAnon:", 0)) * 1024, int(fields.get("VmRSS:", 0)) * 1024


def _descendants(process: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        for child in children:
            found += [child, *_descendants(child)]
    return found


def watched(words: Sequence[str]) -> tuple[Memory, float, float, str]:
    """Run a process; return its greatest memory, its seconds, those of all cores, and what it printed."""
    memory, began, before = Memory(), time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(words, stdout=output)
        while process.poll() is None:
            memory.look(process.pid)
            time.sleep(PERIOD)
        seconds = time.monotonic() - began
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, [*words])
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        output.seek(0)
        return memory, seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, output.read()


def write_documents(folder: Path, count: int) -> None:
    """Write so many documents of random words, the same in every run, in files of `FILE_DOCUMENTS`."""
    choose = random.Random(0)
    syllables = [first + second for first in "kstnhmrg" for second in "aiueo"]
    words = ["".join(choose.choices(syllables, k=choose.randint(1, 4))) for _ in range(WORDS)]
    for number, first in enumerate(range(0, count, FILE_DOCUMENTS)):
        with (folder / f"{number:04d}.jsonl").open("w") as file:
            for _ in range(min(FILE_DOCUMENTS, count - first)):
                file.write(json.dumps({"text": " ".join(choose.choices(words, k=WORDS_OF_A_DOCUMENT))}) + "\n")


class Row(NamedTuple):
    """Figures of one command."""

    command: str
    memory: Memory
    seconds: float
    """Seconds of `prepare`; of the loader those until its first batch."""
    core_seconds: float
    """Seconds of all cores."""


def measured(count: int, tokenizer: Path) -> tuple[list[Row], str]:
    """Prepare and read so many documents; return a row for each of the two, and hashes of what was made and read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_documents(folder, count)
        (folder / "config.py").write_text(CONFIG.format(folder=folder, tokenizer=tokenizer))
        config = f"{folder}/config.py"
        command = [sys.executable, "-m", "tanuki_jax.prepare", f"--config={config}:run", "--workers=2"]
        preparing, seconds, cores, _ = watched(command)
        store = json.loads((folder / "stores" / "words" / "store.json").read_text())
        loading, _, loading_cores, printed = watched([sys.executable, "-c", READ, config])
        planned, read, digest = printed.split()
        rows = [
            Row("prepare", preparing, seconds, cores),
            Row("loader", loading, float(planned), loading_cores),
        ]
        return rows, f"{store['fingerprint'][:8]} {digest} ({BATCHES} batches in {float(read):.1f} s)"


def main(millions: Sequence[str]) -> None:
    """Print a table with a row for each number of millions and each of the two commands."""
    columns = "documents", "command", "seconds", "core s", "anonymous", "resident", "all anonymous", "all resident"
    print("MB of the main process and of all processes; seconds of prepare, and of the loader until the first batch;")
    print("core seconds of all of a command")
    print(("{:>10}  {:<8}" + "{:>9}" * 2 + "{:>15}" * 4).format(*columns), flush=True)
    with tempfile.TemporaryDirectory() as name:
        tokenizer = Path(name) / "tokenizer"
        measured(50_000, tokenizer)  # trains the tokenizer
        for count in (round(float(million) * 1e6) for million in millions):
            rows, hashes = measured(count, tokenizer)
            for row in rows:
                sizes = "".join(f"{size / 1e6:15.0f}" for size in dataclasses.astuple(row.memory))
                print(f"{count:10,}  {row.command:<8}{row.seconds:9.1f}{row.core_seconds:9.1f}{sizes}", flush=True)
            print(f"{'':10}  {hashes}", flush=True)


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    main(sys.argv[1:])
