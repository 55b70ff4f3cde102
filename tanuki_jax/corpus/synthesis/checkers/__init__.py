"""Instructions whose obedience code can check: one kind a file."""
