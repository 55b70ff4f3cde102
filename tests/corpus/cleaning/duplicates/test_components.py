import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tanuki_jax.corpus.cleaning.duplicates.array_file import ArrayFile, write_arrays
from tanuki_jax.corpus.cleaning.duplicates.components import KIND, star_round
from tanuki_jax.corpus.cleaning.duplicates.verify_pairs import KIND as EDGES


def stars_of(pairs: list[tuple[int, int]], folder: Path, count: int) -> tuple[dict[int, int], int]:
    """Return the centre of every node and the number of rounds."""
    both = sorted(pairs + [(v, u) for u, v in pairs])
    array = np.array(both, np.uint64).reshape(-1, 2)
    files = [folder / "edges"]
    write_arrays(files[0], EDGES, {}, {"u": array[:, 0], "v": array[:, 1]})
    for number in range(100):
        following = [folder / f"{number}.{index}" for index in range(count)]
        for index, out in enumerate(following):
            star_round(number, index, count, files, out)
        files = following
        done = [ArrayFile(path, KIND, {}) for path in files]
        if not sum(file.facts["unsettled"] for file in done):
            break
    edges = [(int(u), int(v)) for file in done for u, v in zip(file["u"], file["v"], strict=True)]
    return {u: v for u, v in edges if v < u} | {v: v for u, v in edges if v < u}, number + 1


def centres_by_union_find(pairs: list[tuple[int, int]]) -> dict[int, int]:
    parent: dict[int, int] = {}

    def find(node: int) -> int:
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    for u, v in pairs:
        low, high = sorted((find(u), find(v)))
        parent[high] = low
    return {node: find(node) for node in list(parent)}


@pytest.mark.parametrize("count", [1, 4])
def test_stars_are_the_components_around_their_least_node(tmp_path: Path, count: int) -> None:
    rng = random.Random(5)
    nodes = [rng.getrandbits(64) for _ in range(400)]
    pairs = [(a, b) for a, b in (rng.sample(nodes, 2) for _ in range(190))]
    path = [rng.getrandbits(64) for _ in range(50)]
    pairs += list(pairwise(path)) + [(path[0], node) for node in nodes[:20]]
    stars, _ = stars_of(pairs, tmp_path, count)
    assert stars == centres_by_union_find(pairs)


def test_the_rounds_of_a_path_grow_with_the_logarithm_of_its_length(tmp_path: Path) -> None:
    rounds = []
    for length in (1 << 6, 1 << 12):
        nodes = list(range(1, length + 1))
        random.Random(length).shuffle(nodes)
        stars, number = stars_of(list(pairwise(nodes)), tmp_path, 1)
        assert set(stars.values()) == {1} and len(stars) == length
        rounds.append(number)
    assert rounds[1] <= 2 * rounds[0]  # of 64 and of 64 * 64 nodes


def test_a_graph_without_edges_needs_one_round(tmp_path: Path) -> None:
    assert stars_of([], tmp_path, 2) == ({}, 1)
