"""The extra `client` of this package, with the library for HTTP."""

from tanuki_jax.base.errors import InputError


def import_http() -> None:
    """Import aiohttp, which takes a fifth of a second. InputError if it is not installed."""
    try:
        import aiohttp  # noqa: F401
    except ModuleNotFoundError:
        raise InputError("model endpoints need aiohttp: pip install 'tanuki-jax[client]'") from None
