"""Requests of benchmarks."""

from tanuki_jax.evaluation.benchmark import chat, complete, seed_of
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
