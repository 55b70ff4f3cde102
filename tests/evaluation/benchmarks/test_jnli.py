"""JNLI in its public layout."""

from pathlib import Path

from tanuki_jax.evaluation.benchmarks.jnli import Jnli
from tests.evaluation.benchmarks.jaster_data import write_lines


def test_items_are_read_from_the_public_layout(tmp_path: Path) -> None:
    row: dict[str, object] = {
        "sentence_pair_id": "7",
        "yjcaptions_id": "69501-75698-g103",
        "sentence1": "犬が走る。",
        "sentence2": "動物が動く。",
    }
    write_lines(tmp_path / "jnli" / "valid-v1.3.json", row | {"label": "entailment"})
    [item] = Jnli().load(tmp_path).items
    assert (item.id, item.expected, item.cluster) == ("7", "entailment", "69501")
    assert item.question == "前提：犬が走る。\n仮説：動物が動く。"


def test_the_form_is_one_of_three_words() -> None:
    task = Jnli()
    assert [task.has_form(each) for each in ("Entailment", "neutral", "entailmentです", "")] == [
        True,
        True,
        False,
        False,
    ]
