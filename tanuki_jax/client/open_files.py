"""The number of connections that a process may have open at a time."""

import resource

from tanuki_jax.base.errors import InputError

OTHERS = 200
"""Files that a process has open beside its connections."""


def allow_connections(count: int) -> None:
    """Raise this process's limit of open files, where it is too low for that many connections.

    Raises:
        InputError: the system does not allow as many.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count + OTHERS
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            raise InputError(
                f"{count:,} connections at a time need {needed:,} open files, and this system allows {hard:,}; "
                "lower the concurrency, or raise the limit (ulimit -Hn)"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
