"""Tasks of this package for the tools of others, so that its scores can be checked without it."""
