import random

from tanuki_jax.corpus.cleaning.step_counts import SAMPLES, StepCounts


def counts_of(seeds: list[int]) -> StepCounts:
    """Return counts of documents with these seeds, all dropped."""
    counts = StepCounts()
    for seed in seeds:
        counts.documents += 1
        counts.dropped["short"] += 1
        counts.dropped_of["web"] += 1
        counts.dropped_samples.offer(seed, reason="short" if seed % 2 else "odd", text=f"text {seed}")
        counts.dropped_samples.offer(seed, reason="short" if seed % 2 else "odd", text="the same document again")
    return counts


def test_samples_do_not_depend_on_how_documents_are_split() -> None:
    seeds = random.Random(0).sample(range(10**6), 100)
    expected = counts_of(seeds)
    for cut in (1, 50, 97):
        total = StepCounts()
        total.add(counts_of(seeds[cut:]))
        total.add(counts_of(seeds[:cut]))
        assert total.to_plain() == expected.to_plain()
    even, odd = sorted(seed for seed in seeds if seed % 2 == 0), sorted(seed for seed in seeds if seed % 2)
    assert [row["seed"] for row in expected.dropped_samples.rows] == even[:SAMPLES] + odd[:SAMPLES]


def test_counts_come_back_from_json_values() -> None:
    counts = counts_of([3, 1, 2])
    assert StepCounts.from_plain(counts.to_plain()) == counts
