"""Build a language model from nothing, in JAX. `python -m tanuki_jax` lists the commands."""
