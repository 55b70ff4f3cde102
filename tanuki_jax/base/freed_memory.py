"""Freed memory that the C library keeps, instead of returning it to the system."""

import ctypes


def return_freed_memory() -> None:
    """Return memory that was freed to the system, where the C library can (glibc).

    It keeps what threads free for the same threads, and so much of large arrays that it counts.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
