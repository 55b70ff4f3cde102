"""Whether battles can be rated: maximum likelihood is finite only if each model won, directly or not, against each.

Ford (1957), "Solution of a ranking problem from binary comparisons": the graph with an edge from winner to loser must
be strongly connected. Half a win for a tie is an edge in both directions.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError

MOST_NAMES = 5
"""Names that a message lists before it says how many more there are."""


def reachable(won: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return [..., M, M], whether a path of wins leads from a model to another or to itself.

    Args:
        won: [..., M, M], whether the model of the row has at least half a win against that of the column.
    """
    count = won.shape[-1]
    paths = (won | np.eye(count, dtype=bool)).astype(np.float32)
    for _ in range(max(count - 1, 1).bit_length()):  # paths of twice the length in each round
        paths = np.minimum(paths @ paths, 1)
    return paths > 0


def check_connected(won: npt.NDArray[np.bool_], models: Sequence[str]) -> None:
    """Raise an InputError with the reason if the win graph, [M, M], is not strongly connected."""
    met = reachable(won | won.T)
    if not met.all():
        groups = sorted({tuple(np.flatnonzero(row).tolist()) for row in met})
        listed = "; ".join(listing([models[index] for index in group]) for group in groups[:MOST_NAMES])
        raise InputError(
            f"the models form {len(groups)} groups that never met each other ({listed}); "
            "collect battles between the groups, or rate each alone"
        )
    paths = reachable(won)
    if paths.all():
        return
    mutual = paths & paths.T
    # A group that no path from outside leads to never lost to the others; one without a path outwards never won.
    undefeated = [_names(row, models) for row, to in zip(mutual, paths.T, strict=True) if (to == row).all()]
    winless = [_names(row, models) for row, of in zip(mutual, paths, strict=True) if (of == row).all()]
    names, fault = (undefeated[0], "lost to") if len(undefeated[0]) <= len(winless[0]) else (winless[0], "won against")
    raise InputError(
        f"{listing(names)} never {fault} or tied with any of the others, so that no finite rating fits; "
        f"collect more battles, or leave {'it' if len(names) == 1 else 'them'} out"
    )


def _names(row: npt.NDArray[np.bool_], models: Sequence[str]) -> list[str]:
    return [models[index] for index in np.flatnonzero(row).tolist()]


def listing(names: Sequence[str]) -> str:
    """Return names as a list for a message, the first few of many."""
    shown = ", ".join(names[:MOST_NAMES])
    return shown if len(names) <= MOST_NAMES else f"{shown} and {len(names) - MOST_NAMES} more"
