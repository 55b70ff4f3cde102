"""The rules that clean documents: one file and one row of `rule_table` each."""
