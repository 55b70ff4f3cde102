"""Texts that a teacher model writes: recipes, prompts, filters, and the run that keeps what they make."""
