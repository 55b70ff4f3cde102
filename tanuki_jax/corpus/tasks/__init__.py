"""Task families written by rule: each has a generator, a solver and a checker. Standard library only."""
