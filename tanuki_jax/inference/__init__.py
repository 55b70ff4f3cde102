"""Generation of text from a checkpoint."""
