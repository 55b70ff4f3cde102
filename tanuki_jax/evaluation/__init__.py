"""Evaluation: how good a model is, by benchmark, by judge and by vote."""
