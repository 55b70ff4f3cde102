"""Documents, conversations and preferences, and the files that hold them."""
