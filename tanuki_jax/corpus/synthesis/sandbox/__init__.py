"""Code that a model wrote, run in a process of its own with limits."""
