import json

from tanuki_jax.corpus.cleaning.part_counts import PartCounts, length_bucket
from tanuki_jax.corpus.cleaning.step_counts import StepCounts


def test_counts_come_back_and_add_up() -> None:
    counts = PartCounts(rows=2, kept=1, steps={"length": StepCounts(documents=2)})
    counts.see("abc", "web")
    counts.see("abcd", "web")
    counts.write("abc", "web")
    assert PartCounts.from_plain(json.loads(json.dumps(counts.to_plain()))) == counts
    total = PartCounts()
    total.add(counts)
    total.add(counts)
    assert (total.rows, total.pieces, total.characters) == (4, 2, 6)
    assert total.lengths == {"4": 2, "8": 2}
    assert total.sources == {"web": 4}
    assert total.steps["length"].documents == 4


def test_a_bucket_is_the_least_power_of_two_above_a_length() -> None:
    assert [length_bucket("x" * length) for length in (0, 1, 3, 4, 1000)] == ["1", "2", "4", "8", "1024"]
