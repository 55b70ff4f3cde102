"""The pieces that are not learned, in Tanuki's order, and the rule that tells the character U+2581 from a space."""

END = "</s>"
"""Piece 2. Pieces 0 to 3 are SentencePiece's own: `<unk>`, `<s>`, `</s>`, `<pad>`."""

END_OF_DOCUMENT = "<EOD>"
"""Piece 6, after every document of a token store."""

CONTROL = ("<CLS>", "<SEP>", END_OF_DOCUMENT, "<MASK>")
"""Pieces 4 to 7. Text never becomes a control piece: `<EOD>` in a document is five characters."""

WRITTEN = ("\n", "<llm-code>", "</llm-code>", "<llm-code-output>", "</llm-code-output>")
"""Pieces 8 to 12. They stand for themselves in text and never take part in a learned piece."""

SPACE = "\u2581"
"""What SentencePiece writes for a space. Its decoder turns every one into a space, also those that the text brought along."""

ESCAPES = (("\x10", "\x10\x02"), (SPACE, "\x10\x01"))
"""Characters of the text and what stands for them inside pieces, in an order in which they can be replaced one after the other.

Every other character stands for itself, so that decoding gives back any text. The control character U+0010 is "data link escape".
"""

NORMALIZATION = "identity_but_u2581"
"""Name of this rule in the model file."""

REQUIRED = SPACE + "".join(map(chr, range(0x21, 0x7F)))
"""Characters that are pieces however rare: without the first, a space would come back as U+2581; printable ASCII spells control pieces."""

SCORE_GRID = 64
"""Scores (natural logarithms) are multiples of 1 / 64. Float32 adds them exactly up to 2^18, and SentencePiece starts anew at 100,000."""
