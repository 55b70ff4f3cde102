"""Find items of evaluations in documents, and cut them or drop the documents."""
