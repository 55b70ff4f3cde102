import random

from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.length import Length
from tanuki_jax.corpus.cleaning.step_counts import BORDERLINE_CHARACTERS, MOST_GROUPS, SAMPLES, Samples, StepCounts


def counts_of(seeds: list[int]) -> StepCounts:
    """Return counts of documents with these seeds, all dropped."""
    counts = StepCounts()
    for seed in seeds:
        counts.documents += 1
        counts.dropped["short"] += 1
        counts.dropped_of["web"] += 1
        counts.dropped_samples.offer(seed, "odd" if seed % 2 else "even", text=f"text {seed}")
        counts.dropped_samples.offer(seed, "odd" if seed % 2 else "even", text="the same document again")
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


def near_ten(values: list[int]) -> StepCounts:
    """Return counts of documents, each twice, with these numbers of characters, of which 10 are wanted."""
    counts = StepCounts()
    for value in [*values, *values]:
        draft = Draft("", "x" * value)
        reason = Length(shortest=10).apply(draft)
        counts.count(draft.text, draft.text, reason, source="web", id=f"{value}", place=value, nearest=draft.nearest)
    return counts


def test_the_nearest_to_a_limit_are_kept_on_both_sides() -> None:
    values = random.Random(0).sample(range(1_000), 900)
    above, below = sorted(n for n in values if n >= 10), sorted((n for n in values if n < 10), reverse=True)
    for cut in (0, 1, 400):
        total = near_ten(values[:cut])
        total.add(near_ten(values[cut:]))
        rows = total.borderline_samples.rows
        assert [row["value"] for row in rows if row["side"] == "kept"] == above[:SAMPLES]
        assert [row["value"] for row in rows if row["side"] == "dropped"] == below[:SAMPLES]
        assert all(row["limit"] == 10 for row in rows)
    [row] = near_ten([5_000]).borderline_samples.rows
    assert len(row["text"]) == BORDERLINE_CHARACTERS


def test_samples_of_the_first_groups_are_kept() -> None:
    names = [f"{n:03d}" for n in range(MOST_GROUPS + 10)]
    for order in (names, names[::-1]):
        samples = Samples()
        for name in order:
            samples.offer(1, name, text=name)
        assert [row["group"] for row in samples.rows] == names[:MOST_GROUPS]


def test_a_dropped_sample_says_by_which_value() -> None:
    counts, draft = StepCounts(), Draft("", "短い")
    reason = Length(shortest=20).apply(draft)
    counts.count(draft.text, draft.text, reason, source="web", id="a", place=1, nearest=draft.nearest)
    assert counts.dropped_samples.rows[0]["measured"] == "characters is 2, limit 20"
    assert StepCounts.from_plain(counts.to_plain()) == counts
    assert counts.borderline_samples.rows[0]["side"] == "dropped"


def test_counts_come_back_from_json_values() -> None:
    counts = counts_of([3, 1, 2])
    assert StepCounts.from_plain(counts.to_plain()) == counts
