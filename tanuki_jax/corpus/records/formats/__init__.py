"""File formats of records: one file each, and one row in `by_suffix.FORMATS`."""
