"""The mask of attention, written out."""

import numpy as np
import numpy.typing as npt

type Ids = npt.NDArray[np.int32]


def visible(
    q_segment_ids: Ids, kv_segment_ids: Ids, q_positions: Ids, kv_positions: Ids, causal: bool, window: int | None
) -> npt.NDArray[np.bool_]:
    """Return which keys each query sees, bool[rows, T, S]."""
    mask = (q_segment_ids[:, :, None] == kv_segment_ids[:, None, :]) & (q_segment_ids[:, :, None] > 0)
    distance = q_positions[:, :, None] - kv_positions[:, None, :]
    mask &= (distance >= 0) | (not causal)
    return mask & ((np.abs(distance) < window) if window is not None else True)
