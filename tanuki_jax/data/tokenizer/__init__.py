"""SentencePiece and Hugging Face tokenizers behind one interface: training, loading, export."""
