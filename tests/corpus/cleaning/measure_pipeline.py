"""A whole cleaning run, measured: python -m tests.corpus.cleaning.measure_pipeline SENTENCES DOCUMENTS FOLDER

Documents of 1,000 characters, of sentences drawn from the texts of SENTENCES (JSON lines with `text`, such as a library
of old books), are cleaned by `japanese_web` in parts of 12 MB. As JSON: CPU seconds of all processes, and the greatest
memory of one. CPU seconds are looked up twice a second, so that up to half a second of each process is missing.
"""

import json
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

LENGTH, FILE_DOCUMENTS, PART_BYTES = 1_000, 50_000, 12_000_000
LOOK_SECONDS = 0.5
_TICKS = os.sysconf("SC_CLK_TCK")


def write_documents(sentences: list[str], count: int, folder: Path) -> None:
    """Write JSON lines of documents."""
    folder.mkdir(parents=True)
    for first in range(0, count, FILE_DOCUMENTS):
        draw = random.Random(first)
        with (folder / f"{first:07d}.jsonl").open("w", encoding="utf-8") as file:
            for number in range(first, min(count, first + FILE_DOCUMENTS)):
                chosen, length = list[str](), 0
                while length < LENGTH:
                    chosen.append(draw.choice(sentences).strip() + "\n" * (len(chosen) % 4 == 3))
                    length += len(chosen[-1])
                row = {"id": f"d{number}", "text": "".join(chosen), "url": f"https://host{number % 5000}.example/"}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")


def measured(folder: Path) -> dict[str, Any]:
    """Clean the documents of a folder, and return the figures."""
    words = ["--config=japanese_web", "--inputs.crawl.paths", str(folder / "in" / "*.jsonl")]
    words += ["--part-bytes", str(PART_BYTES), "--out", str(folder / "out")]
    command = [sys.executable, "-m", "tanuki_jax.clean", *words]
    return watched(
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    )


def watched(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """Wait for a process with a session of its own, which must succeed, and return the figures of that session."""
    began, seconds = time.monotonic(), dict[int, float]()
    memory: dict[int, float] = {}
    while process.poll() is None:
        _look(process.pid, seconds, memory)
        time.sleep(LOOK_SECONDS)
    assert process.returncode == 0
    return {
        "cpu_seconds": round(sum(seconds.values()), 1),
        "largest_process_mb": round(max(memory.values())),
        "seconds": round(time.monotonic() - began, 1),
    }


def _look(session: int, seconds: dict[int, float], memory: dict[int, float]) -> None:
    """Note CPU seconds and greatest memory in MB of the processes of a session."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                pid = int(path.parent.name)
                seconds[pid] = (int(fields[11]) + int(fields[12])) / _TICKS
                found = re.search(r"VmHWM:\s+(\d+)", (path.parent / "status").read_text())
                memory[pid] = int(found[1]) / 1024 if found else memory.get(pid, 0.0)
        except OSError:  # it has just ended
            continue


def main(source: Path, count: int, folder: Path) -> None:
    """Write documents, clean them, and print the figures."""
    texts = [json.loads(line)["text"] for line in source.read_text("utf-8").splitlines()]
    sentences = [each for text in texts for each in re.split(r"(?<=。)", text) if 10 < len(each) < 120]
    write_documents(sentences, count, folder / "in")
    print(json.dumps({"documents": count, **measured(folder)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
