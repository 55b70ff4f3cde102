"""Loss of texts by source."""

import math
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.benchmark import Item, Reply, Scores
from tanuki_jax.evaluation.benchmarks.held_out_texts import HeldOutTexts
from tests.evaluation.benchmarks.jaster_data import write_lines


def scores_of(task: HeldOutTexts, data: Path, nats: float) -> list[tuple[Item, Scores]]:
    """Return the items with their scores, of a model for which each character but the first has that probability."""
    result = []
    for item in task.load(data).items:
        chain, text = task.chain(item), item.row
        next(chain)
        found = {"tokens": [*text, "x"], "text_offset": [*range(len(text) + 1)]}
        found |= {"token_logprobs": [None, *[nats] * len(text)], "top_logprobs": [None] * (len(text) + 1)}
        with pytest.raises(StopIteration) as end:
            chain.send([Reply(logprobs=found)])
        result.append((item, end.value.value))
    return result


def test_loss_is_counted_by_source_in_bits_a_byte(tmp_path: Path) -> None:
    write_lines(tmp_path / "ja.jsonl", {"text": "たぬきたぬき"}, {"text": "きつね"}, {"text": " "})
    write_lines(tmp_path / "en.jsonl", {"text": "tanuki"})
    task = HeldOutTexts(paths=("*.jsonl",), characters=5)
    scored = scores_of(task, tmp_path, -math.log(8))
    assert [item.tags["source"] for item, _ in scored] == ["en", "ja", "ja"]
    assert scored[0][1].values["bits_per_byte"] == pytest.approx(3)  # a byte a character
    assert scored[1][1].values["bits_per_byte"] == pytest.approx(1)  # three bytes a character
    found = task.overall(scored)
    assert found["ja: bits a byte"] == pytest.approx(1) and found["en: loss a token"] == pytest.approx(math.log(8))


def test_a_server_without_log_probabilities_has_no_loss(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", {"text": "狸"})
    task = HeldOutTexts(paths=("a.jsonl",))
    [item] = task.load(tmp_path).items
    chain = task.chain(item)
    next(chain)
    with pytest.raises(StopIteration) as end:
        chain.send([Reply("狸")])
    assert end.value.value.unreadable == ("bits_per_byte",)
    assert task.overall([(item, end.value.value)]) == {}


def test_files_of_one_name_are_sources_of_their_own(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_lines(tmp_path / folder / "wiki.jsonl", {"text": "狸"}, {"text": "犬"}, {"text": "猫"})
    items = HeldOutTexts(paths=("*/wiki.jsonl",), count=2).load(tmp_path).items
    sources = [f"{tmp_path}/{folder}/wiki.jsonl" for folder in ("a", "b")]
    assert [item.id for item in items] == [f"{source}/{number}" for source in sources for number in (0, 1)]
    assert [item.tags["source"] for item in items[1:3]] == sources


def test_files_without_documents_are_an_error(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", {"text": " "})
    with pytest.raises(InputError, match="has a document with the field 'text'"):
        HeldOutTexts(paths=("a.jsonl",)).load(tmp_path)
