"""Checkpoints of this project and model folders of Hugging Face, each made from the other."""
