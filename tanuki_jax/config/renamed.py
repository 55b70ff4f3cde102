"""Fields of configs that were renamed: old files are read, and an old option is answered with its new name."""

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
"""Class of the config -> former name of a field -> its name."""
