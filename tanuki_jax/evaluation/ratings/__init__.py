"""Ratings of models from battles: who won against whom."""
