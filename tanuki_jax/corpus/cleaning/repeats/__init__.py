"""Lines, paragraphs and long passages that occur in many documents, found by file tasks that any engine can run."""
