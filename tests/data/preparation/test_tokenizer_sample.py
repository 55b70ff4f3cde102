import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.data.preparation.inventory import take_inventory
from tanuki_jax.data.preparation.tokenizer_sample import sample


def mixture(folder: Path, *stages: dict[str, float]) -> Mixture:
    sources = tuple(Source(name=name, paths=(str(folder / f"{name}.jsonl"),)) for name in ("a", "b"))
    return Mixture(
        sources=sources, stages=tuple(Stage(weights=weights, from_step=step) for step, weights in enumerate(stages))
    )


@pytest.fixture
def folder(
    tmp_path: Path, texts: Callable[[int, int, int], list[str]], write_json_lines: Callable[[Path, list[str]], Path]
) -> Path:
    for seed, name in enumerate("ab"):
        write_json_lines(tmp_path / f"{name}.jsonl", [f"{name} {text}" for text in texts(seed, 500, 20)])
    return tmp_path


def size_of(texts: list[str], source: str) -> int:
    return sum(len(text.encode()) for text in texts if text.startswith(source))


def test_sources_share_the_budget_by_their_weights(folder: Path) -> None:
    weighted = mixture(folder, {"a": 3.0, "b": 1.0})
    texts = list(sample(weighted, take_inventory(weighted), 8_000))
    assert size_of(texts, "a") == pytest.approx(6_000, abs=40)
    assert size_of(texts, "b") == pytest.approx(2_000, abs=40)
    assert sum(len(text.encode()) for text in texts) <= 8_000


def test_held_out_text_trains_no_tokenizer(folder: Path) -> None:
    plain = mixture(folder, {"a": 1.0})
    trained, exam = plain.sources
    watched = dataclasses.replace(plain, sources=(dataclasses.replace(exam, held_out=True), trained))
    texts = list(sample(watched, take_inventory(watched), 8_000))
    assert texts == list(sample(plain, take_inventory(plain), 8_000)) != []


def test_every_stage_counts_the_same(folder: Path) -> None:
    staged = mixture(folder, {"a": 10.0}, {"a": 1.0, "b": 1.0})
    texts = list(sample(staged, take_inventory(staged), 8_000))
    assert size_of(texts, "b") == pytest.approx(2_000, abs=40)


def test_a_large_budget_takes_every_document_uncut(folder: Path, texts: Callable[[int, int, int], list[str]]) -> None:
    plain = mixture(folder, {"a": 1.0})
    assert list(sample(plain, take_inventory(plain), 10_000_000)) == [f"a {text}" for text in texts(0, 500, 20)]


def test_the_sample_is_read_from_all_over_the_source(folder: Path) -> None:
    plain = mixture(folder, {"a": 1.0})
    numbers = [
        int(text.split()[1].rstrip(":"))
        for text in sample(plain, take_inventory(plain, unit_bytes=(1_000, 1_000)), 6_000)
        if text.startswith("a ") and ":" in text
    ]
    assert numbers == sorted(numbers) and numbers[0] < 20 and numbers[-1] > 480


def test_malformed_rows_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": \n{"text": "good"}\n')
    plain = mixture(tmp_path, {"a": 1.0})
    assert list(sample(plain, take_inventory(plain), 100)) == ["good"]
