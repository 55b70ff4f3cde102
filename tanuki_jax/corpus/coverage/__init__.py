"""Counts of what a corpus says, and in how many really different texts; maps of how corpora mix."""
