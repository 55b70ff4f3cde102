"""Learned judgement of the quality of a text: features, a linear model, its training and how good it is."""
