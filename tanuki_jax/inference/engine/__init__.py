"""Continuous batching: many texts grow at once, each as if it were alone."""
