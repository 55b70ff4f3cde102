"""Maps of corpora: how samples of them lie to each other, as a picture and in numbers."""
