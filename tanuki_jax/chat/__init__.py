"""How conversations become text."""
