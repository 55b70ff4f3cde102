"""Pieces that are not learned, in Tanuki's order, and the rule that distinguishes the character U+2581 from a space."""

END = "</s>"
"""Piece 2. Pieces 0 to 3 are SentencePiece's own: `<unk>`, `<s>`, `</s>`, `<pad>`."""

END_OF_DOCUMENT = "<EOD>"
"""Piece 6, after every document of a token store."""

CONTROL = ("<CLS>", "<SEP>", END_OF_DOCUMENT, "<MASK>")
"""Pieces 4 to 7. Text never becomes a control piece: `<EOD>` in a document is five characters."""

USER_DEFINED = ("\n", "<llm-code>", "</llm-code>", "<llm-code-output>", "</llm-code-output>")
"""Pieces 8 to 12. Each is one token wherever it occurs in text, and no learned piece contains it."""

SPACE = "\u2581"
"""Character that SentencePiece writes for a space. Its decoder turns each one into a space, also those of the text."""

ESCAPES = (("\x10", "\x10\x02"), (SPACE, "\x10\x01"))
"""Characters of the text and their replacements inside pieces, in the order in which to replace them.

All other characters are kept, so that decoding returns any text. The control character U+0010 is "data link escape".
"""

NORMALIZATION = "identity_but_u2581"
"""Name of this rule in the model file."""

REQUIRED = SPACE + "".join(map(chr, range(0x21, 0x7F)))
"""Characters that are pieces however rare: a space would decode to U+2581 without a piece for it, and the names of
control pieces are spelled in printable ASCII."""

SCORE_GRID = 64
"""Scores (natural logarithms) are multiples of 1 / 64: float32 adds them exactly up to 2^18, and SentencePiece resets
its sums at 100,000."""
