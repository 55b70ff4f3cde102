"""Counts of what a corpus says, and in how many really different texts."""
