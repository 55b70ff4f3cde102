"""Boards of models from files of blind votes."""
