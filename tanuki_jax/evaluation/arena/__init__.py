"""Blind votes on the answers of models: the service that collects them, and the board that is made of them."""
