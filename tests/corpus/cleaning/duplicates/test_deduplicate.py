import random
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import combinations
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tests.corpus.cleaning.duplicates.deduplicate_here import deduplicate
from tests.corpus.cleaning.duplicates.fates import Fate, clusters_of, fates_of, read_fates
from tests.corpus.cleaning.duplicates.planted import EDITS, Page, plant, prose, write_parts


def check_recall_and_precision(pages: list[Page], fates: dict[str, Fate], recall: float) -> None:
    planted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for page in pages:
        if page.source:
            planted[page.edit] += 1
            found[page.edit] += fates[page.id][2] == fates[page.source][2]
    assert len(planted) == len(EDITS)
    assert {edit: n / planted[edit] for edit, n in found.items() if n < recall * planted[edit]} == {}
    source = {page.id: page.source or page.id for page in pages}
    dropped = sum(not kept for kept, *_ in fates.values())
    wrong = sum(len({source[id] for id in group}) - 1 for group in clusters_of(fates))
    assert wrong <= 0.01 * dropped


def test_planted_copies_are_found_and_templates_are_not(tmp_path: Path) -> None:
    pages = plant(2000, 20, 600, family=100)
    check_recall_and_precision(pages, fates_of(pages, tmp_path), 0.95)  # one of 20


@pytest.mark.long
def test_copies_among_100k_documents_are_found(tmp_path: Path) -> None:
    pages = plant(100_000, 200, 20_000, family=1000)
    check_recall_and_precision(pages, fates_of(pages, tmp_path, parts=10, tasks=16), 0.98)


@pytest.fixture(scope="module")
def mixed() -> list[Page]:
    pages = plant(150, 2, 40, seed=7, family=20)
    rng = random.Random(7)
    copies = [Page(f"again{n}", page.text.replace("。", "。 ")) for n, page in enumerate(rng.sample(pages, 20))]
    return [*pages, *copies, Page("short", "短い"), Page("short too", "短 い"), Page("empty", ""), Page("blank", "\n ")]


def test_the_outcome_is_that_of_comparing_all_pairs(mixed: list[Page], tmp_path: Path) -> None:
    fates = fates_of(mixed, tmp_path)
    texts = ["".join(page.text.split()) for page in mixed]
    sets = [{text[n : n + 5] for n in range(len(text) - 4)} for text in texts]
    group = list(range(len(mixed)))
    for a, b in combinations(range(len(mixed)), 2):
        shared = len(sets[a] & sets[b])
        if texts[a] == texts[b] or shared >= 0.43 * (len(sets[a]) + len(sets[b]) - shared) > 0:
            group = [group[a] if number == group[b] else number for number in group]
    expected = [[mixed[n].id for n in range(len(mixed)) if group[n] == number] for number in sorted(set(group))]
    clusters = clusters_of(fates)
    assert sorted(map(sorted, clusters)) == sorted(map(sorted, expected))
    lengths = {page.id: len(page.text) for page in mixed}
    for kept, *dropped in clusters:
        assert all(lengths[kept] >= lengths[id] for id in dropped)


@pytest.mark.parametrize(("parts", "tasks"), [(1, 1), (7, 2), (3, 20)])
def test_order_parts_and_tasks_do_not_show(mixed: list[Page], tmp_path: Path, parts: int, tasks: int) -> None:
    settings = Duplicates(bands=16, rows=2)
    expected = fates_of(mixed, tmp_path / "one", settings)
    shuffled = random.Random(parts).sample(mixed, len(mixed))
    assert fates_of(shuffled, tmp_path / "other", settings, parts=parts, tasks=tasks) == expected


@pytest.mark.long
def test_several_processes_do_not_show(mixed: list[Page], tmp_path: Path) -> None:
    expected = fates_of(mixed, tmp_path)
    files = sorted((tmp_path / "parts").iterdir())
    result = deduplicate(files, tmp_path / "signatures", tmp_path / "again", Duplicates(), workers=2, tasks=2)
    assert read_fates(mixed, result.fates) == expected


def test_a_part_that_comes_later_leaves_old_signatures_untouched(mixed: list[Page], tmp_path: Path) -> None:
    old, new = write_parts(mixed, tmp_path / "parts", 2)
    folder = tmp_path / "signatures"
    deduplicate([old], folder, tmp_path / "work", Duplicates(), tasks=2)
    (stored,) = folder.iterdir()
    before = stored.read_bytes(), stored.stat().st_mtime_ns
    result = deduplicate([old, new], folder, tmp_path / "work", Duplicates(), tasks=2)
    assert (stored.read_bytes(), stored.stat().st_mtime_ns) == before
    assert read_fates(mixed, result.fates) == fates_of(mixed, tmp_path / "afresh")
    with pytest.raises(InputError, match="was made with bands = 96, and bands is 64 now"):
        deduplicate([old, new], folder, tmp_path / "work", Duplicates(bands=64))


def test_a_cluster_of_one_text_a_thousand_times_is_one(tmp_path: Path) -> None:
    text = prose(random.Random(1), 300)
    fates = fates_of([Page(f"{n}", text) for n in range(1000)], tmp_path, parts=4)
    assert {fate[2:] for fate in fates.values()} == {(next(iter(fates.values()))[2], 1000)}
    assert sum(fate[0] for fate in fates.values()) == 1


PROGRAM = """
import sys
from pathlib import Path
from tests.corpus.cleaning.duplicates.deduplicate_here import deduplicate
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
folder = Path(sys.argv[1])
print("started", flush=True)
deduplicate(sorted((folder / "parts").iterdir()), folder / "signatures", folder / "work", Duplicates(), tasks=4)
"""


@pytest.mark.long
def test_a_kill_leaves_no_file_that_is_not_complete(tmp_path: Path) -> None:
    pages = plant(1000, 10, 300)
    expected = fates_of(pages, tmp_path / "expected")
    write_parts(pages, tmp_path / "parts", 4)
    rng = random.Random()
    for _ in range(20):
        program = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert program.stdout is not None and program.stdout.readline() == "started\n"
        time.sleep(rng.uniform(0, 1.5))
        program.send_signal(signal.SIGKILL)
        program.wait()
        program.stdout.close()
        for path in (tmp_path / "signatures").glob("[!.]*"):
            assert pq.read_metadata(tmp_path / "parts" / f"{path.stem}.parquet").num_rows == 250
    result = deduplicate(
        sorted((tmp_path / "parts").iterdir()), tmp_path / "signatures", tmp_path / "work", Duplicates(), tasks=4
    )
    assert read_fates(pages, result.fates) == expected
