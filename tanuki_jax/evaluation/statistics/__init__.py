"""Intervals, tests and correlations of scores."""
