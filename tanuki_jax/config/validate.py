"""Checks that an experiment must pass before any device is looked at."""

from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.limits import check_fields
from tanuki_jax.config.lora import check_adapter_name, check_outside
from tanuki_jax.config.model import Model


def validate(experiment: Experiment) -> None:
    """Raise InputError if fields of an experiment contradict each other, are of another type, or outside their limits.

    Checks that depend on the number of devices are made with the mesh.
    """
    check_fields(experiment)
    name = experiment.name
    _require(
        name not in ("", ".", "..") and "/" not in name and name.isprintable() and len(name.encode()) <= 200,
        f"name is {name!r:.80}, and must be a possible name of a folder in {experiment.runs}",
    )
    check_model(experiment.model)
    _check_tokenizer(experiment)
    _check_experts(experiment)
    _check_stages(experiment)
    _check_remat(experiment)
    _check_batch(experiment)
    _check_schedule(experiment)
    _check_rewind(experiment)
    _check_start(experiment)
    _check_early_stop(experiment)
    _check_objective(experiment)
    _check_lora(experiment)


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise InputError(message)


def check_model(model: Model) -> None:
    """Raise InputError if fields of a model contradict each other."""
    scaling = model.rope_scaling
    _require(
        model.explicit_head_dim > 0 or model.width % model.heads == 0,
        f"model.heads ({model.heads}) must divide model.width ({model.width}), or model.explicit_head_dim be set",
    )
    _require(
        model.heads % model.kv_heads == 0, f"model.kv_heads ({model.kv_heads}) must divide model.heads ({model.heads})"
    )
    size = "model.explicit_head_dim" if model.explicit_head_dim else "model.width / model.heads"
    _require(model.head_dim % 2 == 0, f"{size} is {model.head_dim}, and must be even, because RoPE rotates pairs")
    _require(
        scaling.low_frequency_factor < scaling.high_frequency_factor,
        f"model.rope_scaling.low_frequency_factor ({scaling.low_frequency_factor}) must be below "
        f"model.rope_scaling.high_frequency_factor ({scaling.high_frequency_factor})",
    )
    _require(
        model.global_every == 0 or model.window > 0,
        f"model.global_every is {model.global_every}, but model.window is 0, so every layer sees all tokens already",
    )


def _check_tokenizer(experiment: Experiment) -> None:
    """Check the size of a tokenizer that is still to be trained. The trainer checks an existing one."""
    tokenizer, vocabulary = experiment.data.tokenizer, experiment.model.vocabulary
    path = Path(tokenizer.path)
    _require(
        tokenizer.pieces <= vocabulary or path.suffix in (".model", ".json") or path.exists(),
        f"data.tokenizer.pieces ({tokenizer.pieces}), the size of the tokenizer to be trained in {path}, must not "
        f"exceed model.vocabulary ({vocabulary}); lower --data.tokenizer.pieces, or name an existing tokenizer in "
        "--data.tokenizer.path",
    )


def _check_experts(experiment: Experiment) -> None:
    model, layout, factor = experiment.model, experiment.layout, experiment.router.capacity_factor
    if not model.experts:
        _require(model.dense_layers == 0, f"model.dense_layers is {model.dense_layers}, but model.experts is 0")
        _require(
            layout.expert == 1,
            f"layout.expert is {layout.expert}, but model.experts is 0: there are no experts to split",
        )
        _require(
            factor == 0 and layout.exchange == "auto",
            "router.capacity_factor and layout.exchange are for a mixture of experts, and model.experts is 0",
        )
        return
    _require(
        model.dense_layers < model.layers,
        f"model.dense_layers ({model.dense_layers}) must be below model.layers ({model.layers})",
    )
    _require(
        model.experts_per_token <= model.experts,
        f"model.experts_per_token ({model.experts_per_token}) must not exceed model.experts ({model.experts})",
    )
    _require(
        model.experts % layout.expert == 0,
        f"layout.expert ({layout.expert}) must divide model.experts ({model.experts})",
    )
    _require(
        factor == 0 or layout.exchange in ("auto", "all_to_all"),
        f"router.capacity_factor ({factor}) needs layout.exchange auto or all_to_all, not {layout.exchange}",
    )


def _check_stages(experiment: Experiment) -> None:
    layout, layers = experiment.layout, experiment.model.layers
    stages, chunks = layout.stage, layout.interleave
    if stages == 1:
        _require(
            chunks == 1 and layout.microbatches == 1,
            f"layout.interleave ({chunks}) and layout.microbatches ({layout.microbatches}) are for pipeline stages, "
            "and layout.stage is 1; layout.accumulation makes micro-batches without stages",
        )
        return
    groups = len(experiment.model.groups)
    _require(
        groups == 1,
        f"layout.stage ({stages}) needs layers of one kind, and model.global_every or model.dense_layers makes "
        f"{groups} groups of layers",
    )
    parts = f"layout.stage ({stages})" + (f" x layout.interleave ({chunks})" if chunks > 1 else "")
    near = max(1, layers // (stages * chunks)) * stages * chunks
    _require(
        layers % (stages * chunks) == 0,
        f"{parts} must divide model.layers ({layers}); the nearest possible numbers of layers are {near} and "
        f"{near + stages * chunks}",
    )
    _require(
        not layout.offload,
        f"layout.offload cannot be combined with layout.stage ({stages}): XLA cannot move activations to the host from "
        "inside a pipeline",
    )
    _require(
        chunks == 1 or layout.remat != "none",
        "layout.interleave cannot be combined with layout.remat none, which would store the weights of every round",
    )
    _require(
        layout.microbatches % stages == 0,
        f"layout.microbatches ({layout.microbatches}) must be a multiple of layout.stage ({stages})",
    )


def _check_remat(experiment: Experiment) -> None:
    layout = experiment.layout
    both = set(layout.save) & set(layout.offload)
    _require(not both, f"{', '.join(sorted(both))} cannot be in both layout.save and layout.offload")
    _require(
        layout.remat != "none" or not (layout.save or layout.offload),
        "layout.remat none stores every activation, so layout.save and layout.offload have no effect; choose another "
        "policy or leave them empty",
    )


def _check_batch(experiment: Experiment) -> None:
    rows, parts = experiment.data.batch_rows, experiment.layout.accumulation
    _require(rows % parts == 0, f"layout.accumulation ({parts}) must divide data.batch_rows ({rows})")
    held_out = experiment.held_out.rows
    _require(
        held_out % (rows // parts) == 0,
        f"held_out.rows ({held_out}) must be a multiple of data.batch_rows / layout.accumulation "
        f"({rows} / {parts} = {rows // parts})",
    )


def _check_schedule(experiment: Experiment) -> None:
    """Check that warm-up and plateau end before the decay does, if its end is stated.

    Without a stated end, a short trial run may stop during its warm-up.
    """
    schedule = experiment.schedule
    warmup, stable, end = schedule.warmup_steps, schedule.stable_steps, schedule.end_step
    _require(
        warmup + stable <= end or end == 0,
        f"schedule.warmup_steps ({warmup}) and schedule.stable_steps ({stable}) together must not exceed "
        f"schedule.end_step ({end})",
    )


def _check_rewind(experiment: Experiment) -> None:
    rewind = experiment.rewind
    _require(
        rewind.max_rejected <= rewind.window,
        f"rewind.max_rejected ({rewind.max_rejected}) cannot be reached within rewind.window ({rewind.window}) steps",
    )


def _check_start(experiment: Experiment) -> None:
    start = experiment.start
    _require(
        start.data == "anew" or bool(start.checkpoint),
        "start.data is continue, but start.checkpoint, the checkpoint whose run has read the data, is empty; name one, "
        "or set start.data to anew",
    )


def _check_early_stop(experiment: Experiment) -> None:
    kind, _, source = experiment.early_stop.metric.partition("/")
    _require(
        kind == "held_out" and source != "" and "/" not in source,
        f"early_stop.metric is {experiment.early_stop.metric!r}, and must be held_out/all or held_out/SOURCE",
    )


def _check_objective(experiment: Experiment) -> None:
    objective = experiment.objective
    contradiction = objective.contradiction()
    _require(not contradiction, contradiction)
    _require(
        not (experiment.logging.by_source and objective.needs_pairs),
        "logging.by_source is for losses of tokens, and the objective's loss is one of pairs",
    )
    _require(
        experiment.lora.rank > 0 or not objective.computes_reference,
        "objective.reference adapter_off needs an adapter (lora.rank above 0); where all parameters are trained, set "
        "it to stored",
    )
    _require(
        experiment.start.load != "adapter" or not objective.computes_reference,
        "objective.reference adapter_off would be the model without the adapter that start.load adapter begins with; "
        "set it to stored, the model at the start of the run",
    )
    _require(
        bool(experiment.start.checkpoint) or not objective.stores_reference,
        "objective.reference stored needs the weights of start.checkpoint, which is empty",
    )


def _check_lora(experiment: Experiment) -> None:
    lora, model = experiment.lora, experiment.model
    _require(
        lora.rank > 0 or experiment.start.load != "adapter",
        "start.load adapter trains an adapter further, but lora.rank is 0; set `lora` to the adapter's settings, or "
        "start.load to parameters, which merges it",
    )
    if not lora.rank:
        return
    _require(
        bool(experiment.start.checkpoint),
        f"lora.rank is {lora.rank}, but start.checkpoint names no parameters to adapt",
    )
    _require(
        experiment.start.load != "parameters_and_optimizer",
        "start.load parameters_and_optimizer cannot be combined with lora.rank: an adapter starts with a fresh "
        "optimizer",
    )
    check_adapter_name(lora.name)
    _require(bool(lora.projections), "lora.projections is empty, so there is nothing to train")
    of_experts = [name for name in lora.projections if name.startswith("expert_")]
    dense = [name for name in lora.projections if name in ("gate", "up", "down")]
    if model.experts:
        _require(
            not dense or model.dense_layers > 0,
            f"lora.projections names {', '.join(dense)}; in a mixture of experts they are called "
            f"{', '.join(f'expert_{name}' for name in dense)}",
        )
    else:
        _require(not of_experts, f"lora.projections names {', '.join(of_experts)}, and model.experts is 0")
    check_outside(lora, model.tied)
    _require(
        not of_experts or not (lora.dropout or lora.dora),
        f"lora.dropout and lora.dora are not for adapters of experts ({', '.join(of_experts)})",
    )
    _require(
        not lora.quantized or experiment.layout.remat != "none",
        f"lora.base {lora.base} needs layout.remat full, attention or dots: none would store every layer's weights "
        "unquantized",
    )
    _require(
        experiment.layout.stage == 1 or not lora.quantized,
        f"lora.base {lora.base} cannot be combined with layout.stage above 1",
    )
    _require(
        experiment.layout.stage == 1 or not lora.dropout,
        "lora.dropout cannot be combined with layout.stage above 1: all micro-batches would drop the same inputs",
    )
