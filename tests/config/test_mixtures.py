"""The corpora of `configs/mixtures.py`, compared with the published sums."""

from collections import defaultdict

import pytest

from tanuki_jax.config import registry
from tanuki_jax.config.mixture import Mixture, Stage


def find(name: str) -> Mixture:
    return registry.mixture.find(name)


def share(mixture: Mixture, stage: Stage, language: str) -> float:
    """Return the share of a stage's tokens in a language; half of a source in two languages."""
    total = sum(stage.weights.values())
    languages = {source.name: source.language.split("+") for source in mixture.sources}
    return sum(
        weight / total / len(languages[name]) for name, weight in stage.weights.items() if language in languages[name]
    )


def test_the_synthetic_sets_are_38_of_231_billion_tokens() -> None:
    mixture = find("tanuki_synthetic")
    assert len(mixture.sources) == 38
    assert sum(source.billion_tokens for source in mixture.sources) == pytest.approx(231.618, abs=1e-9)
    assert mixture.stages[0].weights == {source.name: source.billion_tokens for source in mixture.sources}
    assert mixture.used == mixture.sources


def test_tokens_by_teacher_are_the_published_sums() -> None:
    written: defaultdict[str, float] = defaultdict(float)
    for source in find("tanuki_synthetic").sources:
        written[source.teacher] += source.billion_tokens
    assert written == pytest.approx(
        {
            "Phi-3-medium-128k": 102.055,
            "Calm3-22B": 96.983,
            "WizardLM-2-7B": 29.0,
            "WizardLM-2-8x22B": 2.296,
            "Mixtral-8x22B": 0.861,
            "several": 0.42,
            "Nemotron-4-340B": 0.002,
        },
        abs=5e-3,
    )


def test_tokens_by_kind_are_the_published_sums() -> None:
    sums: defaultdict[str, float] = defaultdict(float)
    for source in find("tanuki_synthetic").sources:
        sums[source.kind] += source.billion_tokens
    assert sums["rewritten Creative Commons text"] == pytest.approx(100.56)
    assert sums["rewritten Common Crawl text"] == pytest.approx(54.0)
    assert sums["Japanese translation of logic data"] == pytest.approx(14.1)
    assert sums["instructions"] == pytest.approx(21.616)
    assert sums["instructions in logic, code and mathematics"] == pytest.approx(29 + 9.023, abs=1e-3)
    assert sums["rewritten OpenMathInstruct"] == pytest.approx(2.055)


@pytest.mark.parametrize("name", [name for name in registry.mixture.names() if name.startswith("tanuki")])
def test_every_source_is_described_and_used(name: str) -> None:
    mixture = find(name)
    assert mixture.used == mixture.sources
    for source in mixture.sources:
        assert source.kind and source.language in ("ja", "en", "code", "ja+en")
        assert source.paths == (f"data/sources/{source.name}/*.jsonl.zst",)


def test_phase1_goes_from_english_to_japanese() -> None:
    """Compute the end of English by its 105.6 billion tokens at 1,536 x 2,048 a step."""
    mixture = find("tanuki_phase1")
    assert [share(mixture, stage, "ja") for stage in mixture.stages] == pytest.approx([0.05, 0.05, 0.95], abs=1e-5)
    assert mixture.stages[-1].from_step == pytest.approx((195.537 - 89.94) * 1e9 / (1536 * 2048), abs=1)
    assert "pmc" not in mixture.stages[0].weights
    assert share(find("tanuki_phase1_japanese"), find("tanuki_phase1_japanese").stages[0], "ja") == pytest.approx(1)


def test_phase2_is_between_a_half_and_two_thirds_japanese() -> None:
    mixture = find("tanuki_phase2")
    assert 1 / 2 < share(mixture, mixture.stages[0], "ja") < 2 / 3
    assert sum(mixture.stages[0].weights.values()) == pytest.approx(1020, abs=1)
    assert {source.name for source in find("tanuki_synthetic").sources} < {source.name for source in mixture.sources}
