"""Requests of benchmarks."""

import pytest

from tanuki_jax.evaluation.benchmark import Item, chat, complete, first_items, seed_of
from tanuki_jax.evaluation.named_evaluations import evaluation


def test_stop_strings_of_the_question_are_left_out() -> None:
    asked = chat([{"role": "user", "content": "質問: 狸とは？\n答え: "}], max_tokens=5, stop=("質問:", "\n\n"))
    assert asked.body["stop"] == ["\n\n"]
    assert "stop" not in chat([{"role": "user", "content": "質問:"}], max_tokens=5, stop=("質問:",)).body
    assert complete("質問:", max_tokens=5, stop=("質問:",)).body["stop"] == ["質問:"]


def test_answers_are_drawn_from_all_tokens() -> None:
    said = [{"role": "user", "content": "狸とは？"}]
    assert chat(said, max_tokens=5, temperature=0.7).body["top_p"] == 1.0
    assert "top_p" not in chat(said, max_tokens=5).body


def test_seeds_differ_and_do_not_change() -> None:
    seeds = {seed_of(0, "a", sample) for sample in range(1000)}
    assert len(seeds) == 1000 and all(0 <= seed < 1 << 31 for seed in seeds)
    assert seed_of(0, "a", 1) == seed_of(0, "a", 1)


def test_the_first_metric_is_better_on_the_better_side_of_the_scale() -> None:
    for each in (each for name in evaluation.names() for each in evaluation.find(name).benchmarks):
        worst, best = each.scale
        assert (each.metrics[0] in each.lower_is_better) == (best < worst), each.name
        assert each.lower_is_better <= {*each.metrics}


@pytest.mark.parametrize(
    ("first", "chosen"), [(0, "aaabcc"), (1, "a"), (2, "ab"), (3, "abc"), (4, "aabc"), (5, "aabcc"), (9, "aaabcc")]
)
def test_the_first_items_are_those_of_all_groups_alike(first: int, chosen: str) -> None:
    tags = [{"form": "chat", "family": family, "level": str(n)} for n, family in enumerate("aaabcc")]
    items = [Item(str(number), "", tags=each) for number, each in enumerate(tags)]
    found = first_items(items, first)
    assert "".join(item.tags["family"] for item in found) == chosen
    assert [item.id for item in found] == sorted(item.id for item in found)
    for family in "abc":
        mine = [item.id for item in items if item.tags["family"] == family]
        assert [item.id for item in found if item.tags["family"] == family] == mine[: chosen.count(family)]


def test_the_first_items_without_groups_are_the_first_ones() -> None:
    items = [Item(str(number), "", tags={"form": "chat"}) for number in range(5)]
    assert first_items(items, 3) == tuple(items[:3])
    assert first_items([], 3) == ()
