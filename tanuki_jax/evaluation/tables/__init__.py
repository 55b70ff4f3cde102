"""Tables that others published, as data, and the reading of tables of the same form."""
