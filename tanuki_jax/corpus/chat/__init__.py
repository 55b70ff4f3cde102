"""Conversations as text: chat templates, and the plain form of pretraining."""
