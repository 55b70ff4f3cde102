"""Clean documents: pages become text, and rules drop or change what a model should not learn."""
