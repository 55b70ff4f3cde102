"""Reports on runs: one page, one Markdown file, and pages of questions with the answers of all runs."""
