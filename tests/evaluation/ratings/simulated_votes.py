"""Votes that are drawn from the deck's board, whose ratings are then the true ones."""

import numpy as np
import numpy.typing as npt

from tanuki_jax.evaluation.ratings.battles import Battle, Winner
from tanuki_jax.evaluation.ratings.bradley_terry import POINTS

BOARD = {
    "GPT-4o-2024-05-13": (1178, 297),
    "Claude-3.5-sonnet-20240620": (1173, 272),
    "Gemini-1.5-pro": (1128, 208),
    "Tanuki-8x8B-dpo-v1.0": (1099, 382),
    "GPT-4o-mini-2024-07-18": (1086, 303),
    "Gemini-1.5-flash": (1070, 318),
    "Calm3-22b-chat": (1067, 392),
    "PLAMO-100B": (1002, 297),
    "Tanuki-8B-dpo-v1.0": (1000, 379),
    "Karakuri-lm-8x7b-chat-v0.1": (948, 329),
    "Llama-3-ELYZA-JP-8B": (945, 282),
    "Llama-3-Swallow-70B-Instruct-v0.1": (906, 348),
    "GPT-3.5-turbo": (893, 291),
}
"""Model -> rating and battles, from the table of the blind test in the deck of Tanuki-8x8B (August 2024)."""
ANCHOR = "Tanuki-8B-dpo-v1.0"
NAMES = list(BOARD)
TRUE = np.array([rating for rating, _ in BOARD.values()], float)


def drawn_pairs(random: np.random.Generator, times: int = 1) -> npt.NDArray[np.intp]:
    """Return [N, 2], random pairs of models in which each has as many battles as on the board, `times` over."""
    models = np.repeat(np.arange(len(BOARD)), [battles * times for _, battles in BOARD.values()])
    pairs = random.permutation(models).reshape(-1, 2)
    while len(alike := np.flatnonzero(pairs[:, 0] == pairs[:, 1])):  # exchange one side with that of other pairs
        others = random.integers(0, len(pairs), len(alike))
        for one, other in zip(alike.tolist(), others.tolist(), strict=True):
            pairs[[one, other], 1] = pairs[[other, one], 1]
    return pairs


def simulated_votes(
    random: np.random.Generator,
    *,
    times: int = 1,
    ties: float = 0.0,
    length_effect: float | None = None,
    voters: int = 0,
    taste: float = 0.0,
) -> list[Battle]:
    """Return 2,049 votes.

    Args:
        random: generator.
        times: how often 2,049.
        ties: share of the voters who judge twice, and say tie, or both bad, if they contradict themselves. So the
            expected score is that of the ratings, and .75 gives as many battles without a winner as on the board, .32.
        length_effect: logit that is gained by (a - b) / (a + b) = 1 of the lengths; None: answers without a length.
            The better models write longer, but not all of them.
        voters: number of voters, of whom some vote much more often than others; 0: without names.
        taste: standard deviation of a voter's own opinion of each model, in points.
    """
    pairs = drawn_pairs(random, times)
    a, b = pairs[:, 0], pairs[:, 1]
    logits = (TRUE[a] - TRUE[b]) / POINTS
    names = np.zeros(len(pairs), int)
    if voters:
        activity = random.lognormal(0, 0.7, voters)
        names = random.choice(voters, len(pairs), p=activity / activity.sum())
        opinions = random.normal(0, taste / POINTS, (voters, len(BOARD)))
        logits = logits + opinions[names, a] - opinions[names, b]
    lengths = np.zeros((len(pairs), 2))
    if length_effect is not None:
        habit = np.where(np.arange(len(BOARD)) % 3 == 0, 6.6, 6.0) + (TRUE - 1000) / 500
        lengths = np.round(random.lognormal(habit[pairs], 0.5)) + 1
        logits = logits + length_effect * (lengths[:, 0] - lengths[:, 1]) / lengths.sum(axis=1)
    first, second = (random.random(len(pairs)) < (1 + np.tanh(logits / 2)) / 2 for _ in range(2))
    undecided = (first != second) & (random.random(len(pairs)) < ties)
    bad = random.random(len(pairs)) < 0.5
    winners: npt.NDArray[np.str_] = np.where(
        undecided, np.where(bad, "both_bad", "tie"), np.where(first, "model_a", "model_b")
    )
    styled = length_effect is not None
    return [
        _battle(*row, styled)
        for row in zip(a.tolist(), b.tolist(), winners.tolist(), names.tolist(), lengths.tolist(), strict=True)
    ]


def _battle(a: int, b: int, winner: Winner, voter: int, lengths: list[float], styled: bool) -> Battle:
    style_a, style_b = ({"length": length} if styled else {} for length in lengths)
    return Battle(NAMES[a], NAMES[b], winner, voter=f"v{voter}", style_a=style_a, style_b=style_b)
