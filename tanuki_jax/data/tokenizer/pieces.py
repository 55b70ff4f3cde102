"""The pieces that are not learned, in Tanuki's order, and the rule that tells the character U+2581 from a space."""

UNKNOWN = "<unk>"
BEGIN = "<s>"
END = "</s>"
PAD = "<pad>"
END_OF_DOCUMENT = "<EOD>"

CONTROL = ("<CLS>", "<SEP>", END_OF_DOCUMENT, "<MASK>")
"""Pieces 4 to 7. Text never becomes a control piece: `<EOD>` in a document is five characters."""

WRITTEN = ("\n", "<llm-code>", "</llm-code>", "<llm-code-output>", "</llm-code-output>")
"""Pieces 8 to 12. They stand for themselves in text and never take part in a learned piece."""

SPACE = "\u2581"
"""What SentencePiece writes for a space. Its decoder turns every one into a space, also those that the text brought along."""

ESCAPES = (("\x10", "\x10\x02"), (SPACE, "\x10\x01"))
"""Character of the text and what stands for it inside pieces: data link escape and a letter, in an order that replacements may follow.

Every other character stands for itself, so that decoding gives back any text.
"""

NORMALIZATION = "identity_but_u2581"
"""Name of this rule in the model file."""

REQUIRED = SPACE + "".join(map(chr, range(0x21, 0x7F)))
"""Characters that are pieces however rare: without the first, a space would come back as U+2581; printable ASCII spells control pieces."""

SCORE_GRID = 64
"""Scores (natural logarithms) are multiples of 1 / 64: sums to 2^24 / 64 = 262,144, some 30,000 pieces, are exact in float32."""
