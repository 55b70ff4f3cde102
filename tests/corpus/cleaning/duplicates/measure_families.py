"""Measurements of finding copies inside families of pages with one template, as JSON:

    python -m tests.corpus.cleaning.duplicates.measure_families FOLDER [PAGES]

A family has a template that is half of each of its 3,000 pages, and edited copies of some of them. Recall for each
edit, and precision: the share of drops for the document that the dropped one is a copy of, or is copied by.
"""

import json
import random
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tests.corpus.cleaning.duplicates.deduplicate_here import deduplicate
from tests.corpus.cleaning.duplicates.fates import Fate, clusters_of, read_fates
from tests.corpus.cleaning.duplicates.planted import EDITS, Page, prose, write_parts

FAMILIES = 3
COPIES = 20
"""Copies of each kind of edit in a family."""


def family(number: int, pages: int, rng: random.Random) -> list[Page]:
    """Return pages that share half of their text, at the beginning or in the middle, and copies of some of them."""
    frame = prose(rng, rng.randrange(200, 500))
    made: list[Page] = []
    for page in range(pages):
        own, at = prose(rng, len(frame)), rng.randrange(len(frame))
        text = own[:at] + frame + own[at:] if page % 2 else frame + own
        made.append(Page(f"{number} {page}", text))
    sources = iter(rng.sample(made, COPIES * len(EDITS)))
    for edit, change, share in EDITS:
        for source in (next(sources) for _ in range(COPIES)):
            made.append(Page(f"{source.id} copy", change(source.text, share, rng), source.id, f"{edit} {share:.0%}"))
    return made


def judge(pages: list[Page], fates: dict[str, Fate]) -> dict[str, object]:
    """Return recall by edit, and precision."""
    planted, found = Counter(page.edit for page in pages if page.source), Counter[str]()
    for page in pages:
        if page.source:
            found[page.edit] += fates[page.id][2] == fates[page.source][2]
    source = {page.id: page.source or page.id for page in pages}
    dropped = sum(not kept for kept, *_ in fates.values())
    wrong = sum(sum(source[id] != source[group[0]] for id in group[1:]) for group in clusters_of(fates))
    recall = {edit: round(found[edit] / count, 3) for edit, count in planted.items()}
    return {"precision": round(1 - wrong / max(dropped, 1), 4), "dropped": dropped, "wrong": wrong, "recall": recall}


def main() -> None:
    folder, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3000
    rng = random.Random(0)
    pages = [page for number in range(FAMILIES) for page in family(number, count, rng)]
    rng.shuffle(pages)
    shutil.rmtree(folder, ignore_errors=True)
    files = write_parts(pages, folder / "parts", 2)
    began = time.process_time()
    result = deduplicate(files, folder / "signatures", folder / "work", Duplicates(), tasks=2)
    seconds = round(time.process_time() - began, 1)
    counts = {
        "documents": len(pages),
        "cpu_seconds": seconds,
        "candidates": result.candidates,
        "similar": result.similar,
    }
    print(json.dumps(counts | judge(pages, read_fates(pages, result.fates)), ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
