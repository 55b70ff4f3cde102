"""A random sample of a corpus, labelled by people or a judge, and how the rules agree with the labels."""
