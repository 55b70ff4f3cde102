import random

from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.length import Length
from tanuki_jax.corpus.cleaning.step_counts import BORDERLINE_CHARACTERS, SAMPLES, Borderline, StepCounts


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


def borderline_of(values: list[float]) -> Borderline:
    """Return the borderline samples of documents with these values and a limit of 10 from below; the seed is the
    value."""
    found = Borderline()
    for value in values:
        draft = Draft("", "")
        dropped = not draft.within("words", value, least=10)
        assert draft.nearest is not None
        found.offer(draft.nearest, int(value), dropped=dropped, id=f"{value:g}", text="x" * 1_000)
        found.offer(draft.nearest, int(value), dropped=dropped, id="a copy", text="x" * 1_000)
    return found


def test_the_nearest_to_a_limit_are_kept_on_both_sides() -> None:
    values = [float(value) for value in random.Random(0).sample(range(100), 90)]
    expected = [max(n for n in values if n < 10), *sorted(n for n in values if n >= 10)[:2]]
    for cut in (0, 1, 40):
        total = borderline_of(values[:cut])
        total.add(borderline_of(values[cut:]).rows)
        assert [row["id"] for row in total.rows if not row["dropped"]] == [f"{n:g}" for n in expected[1:]]
        first, second = (row for row in total.rows if row["dropped"])
        assert first["id"] == f"{expected[0]:g}"
        assert first["value"] > second["value"]
    assert {len(row["text"]) for row in total.rows} == {BORDERLINE_CHARACTERS}


def test_a_dropped_sample_says_by_which_value() -> None:
    counts, draft = StepCounts(), Draft("", "短い")
    reason = Length(shortest=20).apply(draft)
    counts.count(draft.text, draft.text, reason, source="web", id="a", place=1, nearest=draft.nearest)
    assert counts.dropped_samples.rows[0]["measured"] == "characters is 2, limit 20"
    assert StepCounts.from_plain(counts.to_plain()) == counts
    assert counts.borderline.rows[0]["dropped"]


def test_counts_come_back_from_json_values() -> None:
    counts = counts_of([3, 1, 2])
    assert StepCounts.from_plain(counts.to_plain()) == counts
