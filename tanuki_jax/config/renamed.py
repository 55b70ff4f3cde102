"""Fields of configs that had another name before: old files are read, and an old option is answered with the new one."""

RENAMED: dict[str, dict[str, str]] = {
    "Rewind": {
        "rejected": "max_rejected",
        "within": "window",
        "raised": "raised_steps",
        "most": "max_rewinds",
    },
    "LoRA": {"stabilized": "rslora", "magnitude": "dora", "b_rate": "loraplus_ratio"},
    "Preference": {"sft": "sft_weight"},
    "Router": {"load_balancing": "load_balancing_weight"},
}
"""Class of the config -> its fields, old name -> new name."""
