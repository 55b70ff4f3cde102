"""Extract texts from pages: their encoding, their main content, its lines and its language."""
