"""Graders: whether an answer in free text is right, as pure functions."""
