"""A contradiction in an experiment is found before any device is touched, and the error names the fields."""

import dataclasses
import math
import re
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config import registry
from tanuki_jax.config.experiment import Checkpoints, Data, Experiment, HeldOut, Preference, Schedule, Tokenizer
from tanuki_jax.config.model import Model
from tanuki_jax.config.validate import validate

VALID = Experiment(
    name="valid",
    model=Model(vocabulary=4096, width=128, hidden=384, layers=2, heads=4, kv_heads=2),
    data=Data(
        mixture="demo", tokenizer=Tokenizer(path="t", pieces=4000), stores="s", sequence_length=64, batch_rows=16
    ),
    steps=100,
    schedule=Schedule(peak=1e-3),
    checkpoints=Checkpoints(every_steps=10),
    held_out=HeldOut(every_steps=10, rows=32),
)


def changed(tree: Any, field: str, value: object) -> Any:
    """Return a copy of the tree with another value at a dotted field."""
    name, _, rest = field.partition(".")
    return dataclasses.replace(tree, **{name: changed(getattr(tree, name), rest, value) if rest else value})


def validate_with(changes: dict[str, object]) -> None:
    experiment = VALID
    for field, value in changes.items():
        experiment = changed(experiment, field, value)
    validate(experiment)


@pytest.mark.parametrize("name", registry.experiment.names())
def test_shipped_experiments_are_valid(name: str) -> None:
    validate(registry.experiment.find(name))


def test_gradients_may_stay_unclipped() -> None:
    validate_with({"optimizer.clip_norm": math.inf})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rewind.max_rejected": 65}, "rewind.max_rejected (65) cannot be reached within rewind.window (64) steps"),
        (
            {"early_stop.metric": "loss"},
            "early_stop.metric is 'loss', and must be held_out/all or held_out/SOURCE",
        ),
        (
            {"early_stop.metric": "held_out/all/rewards/accuracies"},
            "early_stop.metric is 'held_out/all/rewards/accuracies', and must be held_out/all or held_out/SOURCE",
        ),
        (
            {"logging.by_source": True, "objective": Preference()},
            "logging.by_source is for losses of tokens, and the objective's loss is one of pairs",
        ),
        ({"model.heads": 3}, "model.heads (3) must divide model.width (128), or model.explicit_head_dim be set"),
        ({"model.kv_heads": 3}, "model.kv_heads (3) must divide model.heads (4)"),
        (
            {"model.width": 36, "model.heads": 4},
            "model.width / model.heads is 9, and must be even, because RoPE rotates pairs",
        ),
        (
            {"model.explicit_head_dim": 33},
            "model.explicit_head_dim is 33, and must be even, because RoPE rotates pairs",
        ),
        (
            {"model.rope_scaling.low_frequency_factor": 4.0},
            "model.rope_scaling.low_frequency_factor (4.0) must be below "
            "model.rope_scaling.high_frequency_factor (4.0)",
        ),
        (
            {"model.global_every": 2},
            "model.global_every is 2, but model.window is 0, so every layer sees all tokens already",
        ),
        ({"model.dense_layers": 1}, "model.dense_layers is 1, but model.experts is 0"),
        (
            {"model.experts": 8, "model.dense_layers": 2},
            "model.dense_layers (2) must be below model.layers (2)",
        ),
        (
            {"model.experts": 8, "model.dense_layers": 1, "layout.stage": 2, "layout.microbatches": 2},
            "layout.stage (2) needs layers of one kind, and model.global_every or model.dense_layers makes 2 groups of "
            "layers",
        ),
        (
            {"data.tokenizer.pieces": 4097},
            "data.tokenizer.pieces (4097), the size of the tokenizer to be trained in t, must not exceed "
            "model.vocabulary (4096); lower --data.tokenizer.pieces, or name an existing tokenizer in "
            "--data.tokenizer.path",
        ),
        ({"layout.accumulation": 3}, "layout.accumulation (3) must divide data.batch_rows (16)"),
        (
            {"held_out.rows": 20, "layout.accumulation": 2},
            "held_out.rows (20) must be a multiple of data.batch_rows / layout.accumulation (16 / 2 = 8)",
        ),
        (
            {"schedule.warmup_steps": 30, "schedule.stable_steps": 71, "schedule.end_step": 100},
            "schedule.warmup_steps (30) and schedule.stable_steps (71) together must not exceed "
            "schedule.end_step (100)",
        ),
        ({"layout.expert": 2}, "layout.expert is 2, but model.experts is 0: there are no experts to split"),
        ({"model.experts": 8, "layout.expert": 3}, "layout.expert (3) must divide model.experts (8)"),
        ({"model.experts": 8, "layout.expert": 16}, "layout.expert (16) must divide model.experts (8)"),
        (
            {"model.experts": 8, "model.experts_per_token": 9},
            "model.experts_per_token (9) must not exceed model.experts (8)",
        ),
        (
            {"router.capacity_factor": 1.25},
            "router.capacity_factor and layout.exchange are for a mixture of experts, and model.experts is 0",
        ),
        (
            {"layout.exchange": "all_to_all"},
            "router.capacity_factor and layout.exchange are for a mixture of experts, and model.experts is 0",
        ),
        (
            {"model.experts": 8, "router.capacity_factor": 1.25, "layout.exchange": "all_gather"},
            "router.capacity_factor (1.25) needs layout.exchange auto or all_to_all, not all_gather",
        ),
        (
            {"model.experts": 8, "router.capacity_factor": math.inf, "layout.exchange": "ragged_all_to_all"},
            "router.capacity_factor (inf) needs layout.exchange auto or all_to_all, not ragged_all_to_all",
        ),
        (
            {"layout.stage": 4, "layout.microbatches": 4, "model.layers": 85},
            "layout.stage (4) must divide model.layers (85); the nearest possible numbers of layers are 84 and 88",
        ),
        (
            {"layout.stage": 2, "layout.interleave": 4, "layout.microbatches": 2, "model.layers": 4},
            "layout.stage (2) x layout.interleave (4) must divide model.layers (4); the nearest possible numbers of "
            "layers are 8 and 16",
        ),
        (
            {"model.layers": 4, "layout.stage": 4, "layout.microbatches": 6},
            "layout.microbatches (6) must be a multiple of layout.stage (4)",
        ),
        (
            {"layout.microbatches": 2},
            "layout.interleave (1) and layout.microbatches (2) are for pipeline stages, and "
            "layout.stage is 1; layout.accumulation makes micro-batches without stages",
        ),
        (
            {
                "model.layers": 4,
                "layout.stage": 2,
                "layout.interleave": 2,
                "layout.microbatches": 2,
                "layout.remat": "none",
            },
            "layout.interleave cannot be combined with layout.remat none, which would store the weights of every round",
        ),
        (
            {"layout.stage": 2, "layout.microbatches": 2, "layout.offload": ("input",)},
            "layout.offload cannot be combined with layout.stage (2): XLA cannot move activations to the host from "
            "inside a pipeline",
        ),
        (
            {"layout.remat": "full", "layout.save": ("qkv", "input"), "layout.offload": ("input",)},
            "input cannot be in both layout.save and layout.offload",
        ),
        (
            {"layout.remat": "none", "layout.save": ("qkv",)},
            "layout.remat none stores every activation, so layout.save and layout.offload have no effect; choose "
            "another policy or leave them empty",
        ),
        (
            {"lora.rank": 4, "start.checkpoint": "there", "lora.base": "nf4", "layout.remat": "none"},
            "lora.base nf4 needs layout.remat full, attention or dots: none would store every layer's weights "
            "unquantized",
        ),
        (
            {
                "lora.rank": 4,
                "start.checkpoint": "there",
                "lora.base": "int8",
                "layout.remat": "full",
                "layout.stage": 2,
                "layout.microbatches": 2,
            },
            "lora.base int8 cannot be combined with layout.stage above 1",
        ),
        (
            {"start.data": "continue"},
            "start.data is continue, but start.checkpoint, the checkpoint whose run has read the data, is empty; name "
            "one, or set start.data to anew",
        ),
        (
            {"start.load": "adapter", "start.checkpoint": "there"},
            "start.load adapter trains an adapter further, but lora.rank is 0; set `lora` to the adapter's settings, "
            "or start.load to parameters, which merges it",
        ),
        (
            {
                "start.load": "adapter",
                "start.checkpoint": "there",
                "lora.rank": 4,
                "objective": Preference(reference="adapter_off"),
            },
            "objective.reference adapter_off would be the model without the adapter that start.load adapter begins "
            "with; set it to stored, the model at the start of the run",
        ),
        (
            {"start.load": "parameters_and_optimizer", "start.checkpoint": "there", "lora.rank": 4},
            "start.load parameters_and_optimizer cannot be combined with lora.rank: an adapter starts with a fresh "
            "optimizer",
        ),
        (
            {"start.checkpoint": "there", "lora.rank": 4, "lora.projections": ("q", "output"), "model.tied": True},
            "lora.projections names output, and with model.tied one matrix is both embedding and output, which cannot "
            "have an adapter; leave them out",
        ),
        (
            {
                "start.checkpoint": "there",
                "lora.rank": 4,
                "lora.projections": ("embedding", "q", "output"),
                "lora.dora": True,
            },
            "lora.dora is not for adapters of embedding, output; leave them out of lora.projections, or set lora.dora "
            "to False",
        ),
        ({"name": "../elsewhere"}, "name is '../elsewhere', and must be a possible name of a folder in runs"),
    ],
)
def test_a_contradiction_names_its_fields_and_values(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        validate_with(changes)


def test_the_size_of_an_existing_tokenizer_is_not_checked(tmp_path: Path) -> None:
    validate_with({"data.tokenizer.pieces": 4097, "data.tokenizer.path": str(tmp_path)})


@pytest.mark.parametrize("name", ["", ".", "..", "a\nb", "a" * 300])
def test_a_name_must_be_a_possible_folder(name: str) -> None:
    with pytest.raises(InputError, match=r"^name is '.*, and must be a possible name of a folder in runs$"):
        validate_with({"name": name})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"layout.data": 2},
        {"data.tokenizer.pieces": 4097, "data.tokenizer.path": "tokenizer.model"},
        {"model.heads": 6, "model.kv_heads": 3, "model.explicit_head_dim": 32},
        {"model.window": 16, "model.global_every": 2},
        {"model.experts": 8, "model.dense_layers": 1},
        {"held_out.rows": 24, "layout.accumulation": 2},
        {"schedule.warmup_steps": 30, "schedule.stable_steps": 70, "schedule.end_step": 100},
        {"steps": 10, "schedule.warmup_steps": 30},
        {"seed": 4294967295},
        {"data.tokenizer.pieces": 4096},
        {"model.experts": 8, "layout.expert": 8, "model.experts_per_token": 8},
        {"model.experts": 2, "model.router_logits": "standardized"},
        {"model.experts": 8, "router.capacity_factor": math.inf},
        {"model.experts": 8, "router.capacity_factor": 1.25, "layout.exchange": "all_to_all"},
        {"layout.stage": 2, "layout.microbatches": 4},
        {"layout.stage": 2, "layout.microbatches": 2, "layout.save": ("input",)},
        {"model.layers": 8, "layout.stage": 2, "layout.microbatches": 2, "layout.interleave": 4},
    ],
)
def test_values_at_the_edge_are_accepted(changes: dict[str, object]) -> None:
    validate_with(changes)
