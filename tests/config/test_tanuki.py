"""The shapes and stages of `configs/tanuki.py`, compared with figures counted by hand or published."""

import pytest

from tanuki_jax.config import registry
from tanuki_jax.config.experiment import Experiment, NextToken
from tanuki_jax.config.model import Model

STAGES = [name for name in registry.experiment.names() if registry.experiment.find(name).start.checkpoint]


def find(name: str) -> Experiment:
    return registry.experiment.find(name)


def parameters(model: Model) -> int:
    """Count the parameters from the shapes of a Llama's matrices and norms, experts included."""
    wide, narrow = model.heads * model.head_dim, model.kv_heads * model.head_dim
    attention = model.width * (wide + narrow + narrow) + wide * model.width
    feed_forward = 3 * model.width * model.hidden
    if model.experts:
        feed_forward = model.experts * (feed_forward + model.width)
    layer = attention + feed_forward + 2 * model.width
    return model.vocabulary * model.width * (1 if model.tied else 2) + model.layers * layer + model.width


def tokens(experiment: Experiment) -> int:
    return experiment.steps * experiment.data.batch_rows * experiment.data.sequence_length


def test_8b_has_tanukis_shape() -> None:
    """Sum by hand: embedding and output; per layer q and o, k and v, three of the feed-forward, two norms; the last
    norm."""
    by_hand = 2 * 65_024 * 4096 + 32 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14_336 + 2 * 4096) + 4096
    assert by_hand == 7_512_264_704
    assert parameters(find("8b").model) == by_hand
    assert find("8b").model.head_dim == 128


@pytest.mark.parametrize(
    ("name", "expected"),
    [("100m", 97_664_640), ("300m", 307_799_040), ("1b", 1_038_157_824), ("38b", 37_735_914_496)],
)
def test_sizes_match_the_names(name: str, expected: int) -> None:
    assert parameters(find(name).model) == expected


@pytest.mark.parametrize("name", ["100m", "300m", "1b"])
def test_small_models_read_about_20_tokens_a_parameter(name: str) -> None:
    experiment = find(name)
    assert 19 < tokens(experiment) / parameters(experiment.model) < 22


def is_tuning(name: str) -> bool:
    """Whether an experiment is post-training."""
    return "sft" in name or "dpo" in name


@pytest.mark.parametrize("name", [name for name in registry.experiment.names() if name.startswith("8b")])
def test_all_stages_of_the_8b_share_its_weights_and_tokenizer(name: str) -> None:
    stage, base = find(name), find("8b")
    assert parameters(stage.model) == parameters(base.model)
    assert stage.data.tokenizer.path == base.data.tokenizer.path
    if is_tuning(name):
        assert (stage.data.sequence_length, stage.model.rope_theta) == (4096, 500_000.0)
        return
    assert (stage.data.tokenizer, stage.data.stores) == (base.data.tokenizer, base.data.stores)
    assert (stage.data.sequence_length, stage.model.rope_theta) in [(2048, 10_000.0), (8192, 500_000.0)]


def test_8x8b_has_tanukis_shape() -> None:
    """Count 47 billion parameters, 13 of them active: per layer the router and eight experts of three matrices, two
    experts for each token."""
    expert, router = 3 * 4096 * 14_336, 4096 * 8
    shared = 2 * 65_024 * 4096 + 32 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 2 * 4096 + router) + 4096
    assert parameters(find("8x8b").model) == shared + 32 * 8 * expert == 46_973_325_312
    assert shared + 32 * 2 * expert == 13_150_457_856


@pytest.mark.parametrize("name", [name for name in registry.experiment.names() if name.startswith("8x8b")])
def test_all_stages_of_the_8x8b_share_its_shape(name: str) -> None:
    stage, base = find(name), find("8x8b")
    assert parameters(stage.model) == parameters(base.model)
    assert (stage.data.sequence_length, stage.model.rope_theta) in [(2048, 10_000.0), (4096, 500_000.0)]
    assert (stage.data.batch_rows, stage.model.router_logits) == (128 if is_tuning(name) else 3072, "standardized")


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_begins_with_the_weights_of_another(name: str) -> None:
    stage = find(name)
    folder, _, before = stage.start.checkpoint.rpartition("/")
    if name == "8x8b":
        assert folder == "checkpoints", "what it was upcycled to is no run"
        return
    assert folder == stage.runs
    assert before != name
    assert parameters(find(before).model) == parameters(stage.model)
    assert stage.start.load == "parameters"


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("8b_phase1_epoch1", 195.537),
        ("8b_phase1_epoch2", 65.0),
        ("8b_phase1_epoch3", 20.0),
        ("8b_phase2_0627", 792.7),
        ("8x8b", 315.0),
        ("8x8b_0806", 34.2),
        ("8b_phase2_0719", 93.1),
        ("8b_phase2_0729", 47.1),
        ("38b_restart1", 203.7),
    ],
)
def test_stages_are_as_long_as_published(name: str, billions: float) -> None:
    assert tokens(find(name)) / 1e9 == pytest.approx(billions, rel=1e-3)


def test_phase1_warms_up_for_two_billion_tokens_and_sums_to_280() -> None:
    first = find("8b_phase1_epoch1")
    assert first.schedule.warmup_steps * first.data.batch_rows * first.data.sequence_length == pytest.approx(
        2e9, rel=1e-3
    )
    assert sum(tokens(find(f"8b_phase1_epoch{epoch}")) for epoch in (1, 2, 3)) / 1e9 == pytest.approx(280, abs=1)


@pytest.mark.parametrize(
    ("name", "peak", "final", "warmup", "rows", "clip", "epsilon", "std"),
    [
        ("8b", 1e-4, 1e-6, 1000, 1536, 0.8, 1e-5, 0.008),
        ("8b_phase1_epoch1", 3e-4, 3e-5, 636, 1536, 1.0, 1e-8, 0.02),
        ("8b_phase2_0627", 4e-5, 1e-6, 1000, 3072, 0.8, 1e-5, 0.008),
        ("8b_phase2_0719", 5e-5, 5e-6, 500, 1536, 0.8, 1e-8, 0.008),
        ("8b_phase2_0729", 5e-6, 1e-6, 50, 1536, 0.8, 1e-8, 0.008),
        ("38b", 1e-4, 0.99e-4, 1000, 2304, 1.0, 1e-5, 0.008),
        ("38b_restart1", 0.5e-4, 0.499e-4, 8000, 2304, 1.0, 1e-5, 0.008),
        ("38b_restart2", 2e-5, 1.99e-5, 8000, 2304, 1.0, 1e-5, 0.008),
    ],
)
def test_settings_are_the_published_ones(
    name: str, peak: float, final: float, warmup: int, rows: int, clip: float, epsilon: float, std: float
) -> None:
    experiment = find(name)
    schedule, optimizer = experiment.schedule, experiment.optimizer
    assert (schedule.peak, schedule.final, schedule.warmup_steps) == (peak, final, warmup)
    assert (experiment.data.batch_rows, optimizer.clip_norm, optimizer.epsilon) == (rows, clip, epsilon)
    assert experiment.model.initial_std == std
    assert (optimizer.b1, optimizer.b2, optimizer.weight_decay) == (0.9, 0.95, 0.1)
    assert experiment.objective == NextToken(z_loss=0.0 if "phase1" in name else 1e-4)


@pytest.mark.parametrize(
    ("name", "nodes"),
    [("100m", 1), ("300m", 1), ("1b", 1), ("8b", 1), ("8b", 3), ("8b_long", 1), ("8b_long", 3), ("38b", 16)]
    + [(f"8b_phase1_epoch{epoch}", 3) for epoch in (1, 2, 3)]
    + [(f"8b_phase2_{day}", 16) for day in ("0627", "0719", "0729")],
)
def test_layouts_fit_nodes_of_eight_gpus(name: str, nodes: int) -> None:
    experiment = find(name)
    layout, model, devices = experiment.layout, experiment.model, 8 * nodes
    assert layout.data == -1
    assert devices % (layout.fsdp * layout.tensor) == 0
    assert (experiment.data.batch_rows // layout.accumulation) % (devices // layout.tensor) == 0
    assert all(
        size % layout.tensor == 0 for size in (model.heads, model.kv_heads, model.hidden, model.vocabulary, model.width)
    )
    assert model.width % layout.fsdp == 0
