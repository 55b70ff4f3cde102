"""Recipes: one a file, and a row in the table."""
