"""Measurements of coverage, as JSON: python -m tests.corpus.coverage.measure_coverage FOLDER DOCUMENTS

Documents of 1,000 characters, a tenth with a sentence about one of 100 facts, which have 2,000 spellings together. Each
scan runs in a process of its own. The counts are compared with those of a search of every text.
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

from tanuki_jax.corpus.coverage.count_facts import count_facts
from tanuki_jax.corpus.coverage.facts import Fact, spellings_of
from tanuki_jax.corpus.coverage.normalized_batch import normalized
from tanuki_jax.corpus.coverage.postings import ScanTask
from tests.corpus.cleaning.duplicates.measure_duplicates import in_a_process
from tests.corpus.cleaning.duplicates.planted import prose
from tests.corpus.coverage.scanned import fact, parts_of
from tests.corpus.coverage.test_count_facts import is_near, places

ROWS, LENGTH, WINDOW, FACTS = 50_000, 1_000, 70, 100


def facts() -> list[Fact]:
    """Return facts with some twenty spellings each, of which the first two of a word are used."""
    draw = random.Random(0)
    kanji = [chr(code) for code in range(0x6C00, 0x9F00)]
    names = ["".join(draw.sample(kanji, 3)) for _ in range(FACTS)]
    answers = ["".join(draw.sample(kanji, 2)) for _ in range(6)]

    def spelled(name: str, count: int) -> str:
        return "|".join([name, f"{name}さん", *("".join(draw.sample(kanji, 4)) for _ in range(count - 2))])

    return [
        fact(
            spelled(name, 15), spelled("特技", 3), spelled(answers[n % 6], 4), wrong=[spelled(answers[(n + 1) % 6], 4)]
        )
        for n, name in enumerate(names)
    ]


def write_documents(folder: Path, count: int, some: list[Fact]) -> list[Path]:
    """Write documents in Parquet files."""
    base, files = prose(random.Random(1), 300_000), []
    for first in range(0, count, ROWS):
        draw = random.Random(first)
        texts = [_text(draw, base, some) for _ in range(min(ROWS, count - first))]
        files.append(folder / f"{first // ROWS:04d}.parquet")
        ids = [f"d{first + number}" for number in range(len(texts))]
        pq.write_table(pa.table({"id": ids, "text": texts}), files[-1], compression="zstd", row_group_size=2_000)
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


def main(folder: Path, count: int) -> None:
    """Measure, and print JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    some = facts()
    spellings = tuple(spellings_of(some))
    files = write_documents(folder, count, some)
    size = sum(len(text.encode()) for file in files for text in pq.read_table(file)["text"].to_pylist())
    tasks = [
        ScanTask(part, spellings, folder / f"{number:04d}.postings") for number, part in enumerate(parts_of(*files))
    ]
    normalized(["a"])  # makes the tables of characters, once a process
    used = [in_a_process(task.run) for task in tasks]
    begin = time.process_time()
    found = count_facts(some, [[task.out] for task in tasks], window=WINDOW, around="both")
    counting = time.process_time() - begin
    expected: Counter[Any] = searched(files, some)
    different = 0
    for number, each in enumerate(found):
        different += (each.entity, each.related) != (expected[number], expected[number, "related"])
        for answer in each.answers:
            key = (number, answer.word.name)
            different += (answer.documents, answer.near) != (expected[key], expected[*key, "near"])
    seconds = sum(each for each, _ in used)
    print(
        json.dumps(
            {
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
                "counts_that_differ_from_a_search_of_every_text": different,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
