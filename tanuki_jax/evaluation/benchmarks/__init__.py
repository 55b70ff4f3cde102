"""Benchmarks, one file each, and their table."""
