"""Documents to a tokenizer and token stores."""
