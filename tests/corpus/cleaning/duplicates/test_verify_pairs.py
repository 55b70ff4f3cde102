import random
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from tanuki_jax.corpus.cleaning.duplicates.array_file import ArrayFile
from tanuki_jax.corpus.cleaning.duplicates.candidates import find_candidates
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.duplicates.signature_files import open_signatures, sign_part
from tanuki_jax.corpus.cleaning.duplicates.verify_pairs import KIND, similarities, verify
from tests.corpus.cleaning.duplicates.planted import Page, insert_span, prose, replace_span, scatter, write_parts


def shingles(text: str) -> set[str]:
    return {text[start : start + 5] for start in range(len(text) - 4)}


def jaccard(one: str, other: str) -> float:
    a, b = shingles("".join(one.split())), shingles("".join(other.split()))
    return len(a & b) / len(a | b)


def signed(texts: list[str], folder: Path, settings: Duplicates) -> list[Path]:
    files = []
    for part in write_parts([Page(str(n), text) for n, text in enumerate(texts)], folder / "parts", 2):
        files.append(folder / f"{part.stem}.signatures")
        sign_part(part, files[-1], settings)
    return files


@pytest.mark.parametrize(("length", "error"), [(300, 0), (1000, 0.05), (1100, 0.06), (5000, 0.07)])
def test_similarity_is_that_of_the_shingle_sets(tmp_path: Path, length: int, error: float) -> None:
    rng = random.Random(length)
    source = prose(rng, length)
    texts = [
        source,
        insert_span(source, 0.1, rng),
        replace_span(source, 0.3, rng),
        scatter(source, 0.08, rng),
        "短文だよ",
    ]
    settings = Duplicates(bands=2)
    files = signed(texts, tmp_path, settings)
    count = (len(texts) + 1) // 2
    places = [n if n < len(texts) // 2 else 1 << 32 | n - len(texts) // 2 for n in range(len(texts))]
    pairs = list(combinations(range(len(texts)), 2))
    left, right = (np.array([places[pair[side]] for pair in pairs], np.uint64) for side in (0, 1))
    found = similarities([open_signatures(path, settings) for path in files], left, right, 0.0)
    assert count == 3
    for value, (one, other) in zip(found, pairs, strict=True):
        if max(len(texts[one]), len(texts[other])) <= 1024:
            assert value == jaccard(texts[one], texts[other])
        else:
            assert value == pytest.approx(jaccard(texts[one], texts[other]), abs=error)


def test_edges_are_the_similar_pairs_in_both_directions(tmp_path: Path) -> None:
    rng = random.Random(8)
    settings = Duplicates(bands=32, rows=2)
    texts = []
    for _ in range(20):
        source = prose(rng, 300)
        texts += [source, replace_span(source, 0.3, rng), source[:150] + prose(rng, 150)]
    files = signed(texts, tmp_path, settings)
    find_candidates(0, 1, files, tmp_path / "pairs", settings)
    edges = []
    for index in range(3):
        verify(index, 3, [tmp_path / "pairs"], files, tmp_path / "edges", settings)
        file = ArrayFile(tmp_path / "edges", KIND, {})
        edges += list(zip(file["u"].tolist(), file["v"].tolist(), strict=True))
    hashes = np.concatenate([open_signatures(path, settings)["hashes"] for path in files]).tolist()
    numbers = {value: number for number, value in enumerate(hashes)}
    expected = {
        pair for pair in combinations(range(60), 2) if jaccard(texts[pair[0]], texts[pair[1]]) >= settings.similarity
    }
    assert len(expected) >= 20
    assert sorted((numbers[u], numbers[v]) for u, v in edges) == sorted([*expected, *((v, u) for u, v in expected)])
