import random
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from tanuki_jax.corpus.cleaning.duplicates.array_file import ArrayFile
from tanuki_jax.corpus.cleaning.duplicates.candidates import ALL_PAIRS, KIND, NEIGHBOURS, find_candidates, shares
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.duplicates.shingles import mix
from tanuki_jax.corpus.cleaning.duplicates.signature_files import band, open_signatures, sign_part
from tests.corpus.cleaning.duplicates.planted import Page, prose, replace_span, write_parts

SETTINGS = Duplicates(bands=6, rows=2)


def signed(texts: list[str], folder: Path, parts: int = 2) -> list[Path]:
    folder.mkdir(exist_ok=True)
    files = []
    for part in write_parts([Page(str(n), text) for n, text in enumerate(texts)], folder / "parts", parts):
        files.append(folder / f"{part.stem}.signatures")
        sign_part(part, files[-1], SETTINGS)
    return files


def pairs_of(files: list[Path], out: Path, count: int, keys_at_once: int = 1 << 17) -> list[tuple[int, int]]:
    found = []
    for index in range(count):
        find_candidates(index, count, files, out, SETTINGS, keys_at_once=keys_at_once)
        pairs = ArrayFile(out, KIND, SETTINGS.of_signatures())
        assert (np.diff(pairs["a"].astype(object)) >= 0).all()
        found += list(zip(pairs["a"].tolist(), pairs["b"].tolist(), strict=True))
    return sorted(set(found))


def buckets_of(files: list[Path]) -> list[set[int]]:
    """Return the hashes of the texts in each bucket."""
    buckets: dict[tuple[int, int], set[int]] = {}
    for file in map(lambda path: open_signatures(path, SETTINGS), files):
        for number in range(SETTINGS.bands):
            for key, row in zip(*band(file, number), strict=True):
                buckets.setdefault((number, int(key)), set()).add(int(file["hashes"][row]))
    return list(buckets.values())


@pytest.mark.parametrize("count", [1, 2, 5, 6, 7, 20])
def test_tasks_cover_every_band_and_key_once(count: int) -> None:
    covered = [0.0] * 6
    for index in range(count):
        for number, part, parts in shares(index, count, 6):
            assert part < parts
            covered[number] += 1 / parts
    assert covered == pytest.approx([1] * 6)


def test_small_buckets_give_all_pairs_in_any_order_and_split(tmp_path: Path) -> None:
    rng = random.Random(3)
    texts = []
    for _ in range(20):
        source = prose(rng, 300)
        texts += [source, source, replace_span(source, 0.2, rng), replace_span(source, 0.3, rng)]
    files = signed(texts, tmp_path / "one")
    buckets = buckets_of(files)
    expected = sorted({pair for bucket in buckets for pair in combinations(sorted(bucket), 2)})
    assert pairs_of(files, tmp_path / "out", 1) == expected
    assert pairs_of(files, tmp_path / "out", 15) == expected
    assert pairs_of(files, tmp_path / "out", 2, keys_at_once=7) == expected
    rng.shuffle(texts)
    assert pairs_of(signed(texts, tmp_path / "two", 5), tmp_path / "out", 4) == expected


def test_a_hub_gives_linearly_many_pairs_and_keeps_duplicates_together(tmp_path: Path) -> None:
    """All pages agree in most bands, for nine tenths of them are a template; each has one copy with a small change."""
    rng = random.Random(4)
    template = prose(rng, 900)
    pages = [template + prose(rng, 100) for _ in range(200)]
    copies = [page[:500] + "変更" + page[502:] for page in pages]
    files = signed(pages + copies, tmp_path / "hub")
    pairs = pairs_of(files, tmp_path / "out", 1)
    hashes = np.concatenate([open_signatures(path, SETTINGS)["hashes"] for path in files]).tolist()
    assert len(pairs) <= 400 * SETTINGS.bands * (NEIGHBOURS + 1 + ALL_PAIRS / 2)
    assert len(pairs) < 400 * 399 / 2 / 10
    facts = ArrayFile(tmp_path / "out", KIND, SETTINGS.of_signatures()).facts
    assert facts["hubs"] > 0 and facts["largest_bucket"] > 200
    linked = set(pairs)
    for bucket in buckets_of(files):
        hub = min(bucket, key=lambda value: int(mix(np.array([value], np.uint64))[0]))
        assert all((min(hub, other), max(hub, other)) in linked for other in bucket - {hub})
    # Of pairs of which neither end is preferred, .05 have their lesser hash in the first fortieth.
    assert sum(a < (1 << 64) // 40 for a, _ in pairs) < 0.1 * len(pairs)
    together = sum(tuple(sorted((hashes[n], hashes[n + 200]))) in linked for n in range(200))
    by_chance = len(pairs) / (400 * 399 / 2) * 200
    assert together > 3 * by_chance


def test_copies_in_several_parts_are_one_document(tmp_path: Path) -> None:
    files = signed([prose(random.Random(1), 300)] * 40, tmp_path / "copies", 20)
    assert pairs_of(files, tmp_path / "out", 1) == []
    facts = ArrayFile(tmp_path / "out", KIND, SETTINGS.of_signatures()).facts
    assert (facts["largest_bucket"], facts["hubs"]) == (1, 0)
