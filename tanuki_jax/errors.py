"""The one exception that is meant for the person at the keyboard."""


class InputError(ValueError):
    """What the user gave cannot be used. The message is one sentence that names the thing and what would be right.

    Doors print it on stderr without a traceback and exit with code 2 (`tanuki_jax.door`).
    """
