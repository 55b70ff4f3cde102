"""Filters of records that a teacher wrote: one a file."""
