"""Measurements of coverage, as JSON: python -m tests.corpus.coverage.measure_coverage FOLDER DOCUMENTS [search]

Documents of 1,000 characters, a tenth with a sentence about one of 100 facts, which have 2,000 spellings together. Each
scan runs in a process of its own. With `search` the counts are compared
with those of a search of every text, which takes a quarter of an hour for a million.
"""

import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tanuki_jax.corpus.coverage.count_facts import FactCounts, count_facts
from tanuki_jax.corpus.coverage.facts import Fact, spellings_of
from tanuki_jax.corpus.coverage.normalized_batch import normalized
from tanuki_jax.corpus.coverage.postings import ScanTask
from tests.corpus.cleaning.duplicates.measure_duplicates import in_a_process
from tests.corpus.cleaning.duplicates.planted import prose
from tests.corpus.coverage.scanned import fact, parts_of
from tests.corpus.coverage.test_count_facts import is_near, places

ROWS, LENGTH, WINDOW, FACTS = 50_000, 1_000, 70, 100


def facts() -> list[Fact]:
    """Return facts of entities with 20 spellings each, of which the first two are used, and shared other words."""
    draw = random.Random(0)
    kanji = [chr(code) for code in range(0x6C00, 0x9F00)]

    def spelled(name: str, count: int) -> str:
        return "|".join([name, f"{name}さん", *("".join(draw.sample(kanji, 4)) for _ in range(count - 2))])

    names = [spelled("".join(draw.sample(kanji, 3)), 20) for _ in range(FACTS)]
    answers = [spelled("".join(draw.sample(kanji, 2)), 4) for _ in range(6)]
    relation = spelled("特技", 3)
    return [
        fact(name, relation, answers[number % 6], wrong=[answers[(number + 1) % 6]])
        for number, name in enumerate(names)
    ]


def write_documents(folder: Path, count: int, some: list[Fact]) -> list[Path]:
    """Write documents in Parquet files."""
    base, files = prose(random.Random(1), 300_000), []
    for first in range(0, count, ROWS):
        files.append(folder / f"{first // ROWS:04d}.parquet")

        def write(first: int = first, file: Path = files[-1]) -> None:
            draw = random.Random(first)
            texts = [_text(draw, base, some) for _ in range(min(ROWS, count - first))]
            ids = [f"d{first + number}" for number in range(len(texts))]
            pq.write_table(pa.table({"id": ids, "text": texts}), file, compression="zstd", row_group_size=2_000)
            file.with_suffix(".size").write_text(str(sum(len(text.encode()) for text in texts)))

        in_a_process(write)  # so that scans, which are forked from this process, do not count its memory
    return files


def _text(draw: random.Random, base: str, some: list[Fact]) -> str:
    place = draw.randrange(len(base) - LENGTH)
    text = base[place : place + LENGTH]
    if draw.random() < 0.9:
        return text
    one = draw.choice(some)
    words = [draw.choice(one.entity.spellings[:2]) + "の"]
    words += [draw.choice(one.relation.spellings[:2])] if draw.random() < 0.7 else []
    words += ["は" * draw.randrange(80)]
    words += [draw.choice(draw.choice((*one.answers, *one.wrong)).spellings[:2])] if draw.random() < 0.7 else []
    cut = draw.randrange(LENGTH)
    return text[:cut] + "".join(words) + text[cut:]


def searched(files: list[Path], some: list[Fact]) -> Counter[Any]:
    """Count facts by a search of every text."""
    counts: Counter[Any] = Counter()
    for file in files:
        for text in pq.read_table(file, columns=["text"])["text"].to_pylist():
            for number, each in enumerate(some):
                if each.entity.spellings[0] not in text and not any(s in text for s in each.entity.spellings[1:]):
                    continue
                counts[number] += 1
                [entity], [relation] = (places([text], word.spellings) for word in (each.entity, each.relation))
                counts[number, "related"] += bool(relation)
                for answer in (*each.answers, *each.wrong) if relation else ():
                    [spelled] = places([text], answer.spellings)
                    counts[number, answer.name] += bool(spelled)
                    counts[number, answer.name, "near"] += is_near(entity, relation, spelled, "both", WINDOW)
    return counts


def differences(found: list[FactCounts], expected: Counter[Any]) -> int:
    """Return the number of pairs of counts that differ from those of a search."""
    different = 0
    for number, each in enumerate(found):
        different += (each.entity, each.related) != (expected[number], expected[number, "related"])
        for answer in each.answers:
            key = (number, answer.word.name)
            different += (answer.documents, answer.near) != (expected[key], expected[*key, "near"])
    return different


def main(folder: Path, count: int, *, search: bool) -> None:
    """Measure, and print JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    some = facts()
    spellings = tuple(spellings_of(some))
    files = write_documents(folder, count, some)
    size = sum(int(file.with_suffix(".size").read_text()) for file in files)
    tasks = [
        ScanTask(part, spellings, folder / f"{number:04d}.postings") for number, part in enumerate(parts_of(*files))
    ]
    normalized(["a"])  # makes the tables of characters, once a process
    used = [in_a_process(task.run) for task in tasks]
    begin = time.process_time()
    found = count_facts(some, [[task.out] for task in tasks], window=WINDOW, around="both")
    counting = time.process_time() - begin
    seconds = sum(each for each, _ in used)
    result: dict[str, float] = {
        "documents": count,
        "spellings": len(spellings),
        "mb": round(size / 1e6, 1),
        "cpu_seconds_of_the_scan": round(seconds, 2),
        "mb_a_cpu_second": round(size / 1e6 / seconds, 1),
        "largest_task_mb": round(max(memory for _, memory in used)),
        "tasks": len(tasks),
        "bytes_of_the_postings": sum(task.out.stat().st_size for task in tasks),
        "cpu_seconds_of_the_counting": round(counting, 2),
        "near": sum(answer.near for each in found for answer in each.answers),
    }
    if search:
        result["counts_that_differ_from_a_search"] = differences(found, searched(files, some))
    print(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), search="search" in sys.argv)
