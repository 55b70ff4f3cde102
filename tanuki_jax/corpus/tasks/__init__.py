"""Task families written by rule: each generates, solves and checks its problems. Standard library only."""
