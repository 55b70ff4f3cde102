"""Duplicates: documents whose texts are equal or nearly so, found by file tasks that any engine can run."""
