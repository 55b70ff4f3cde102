"""Evaluation: benchmarks, probes, judges and ratings of models that are reached through a server."""
