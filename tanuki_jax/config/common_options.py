"""Options that `--help` shows; `--help-all` shows all."""

COMMON_OPTIONS: dict[str, tuple[str, ...]] = {
    "train": (
        "name",
        "steps",
        "seed",
        "start.checkpoint",
        "data.mixture",
        "data.sequence_length",
        "data.batch_rows",
        "schedule.peak",
        "schedule.warmup_steps",
        "checkpoints.every_steps",
        "held_out.every_steps",
        "layout.fsdp",
        "layout.accumulation",
        "layout.remat",
    ),
    "prepare": (
        "data.mixture",
        "data.stores",
        "data.tokenizer.path",
        "data.tokenizer.pieces",
        "data.tokenizer.sample_bytes",
        "data.tokenizer.chat_template",
        "data.held_out_share",
        "data.malformed_share",
    ),
    "plan": (
        "data.sequence_length",
        "data.batch_rows",
        "layout.data",
        "layout.fsdp",
        "layout.tensor",
        "layout.stage",
        "layout.accumulation",
        "layout.remat",
    ),
    "bench step": (
        "data.sequence_length",
        "layout.remat",
        "layout.attention",
        "layout.projections",
        "layout.compute_dtype",
        "layout.parameter_dtype",
    ),
}
"""Command -> fields of the experiment; the command's own options are always shown."""
