"""Measurements of the ratings, as JSON: python -m tests.evaluation.ratings.measure_ratings FILE

Votes are drawn from the deck's board (`simulated_votes`): how often the intervals hold the true ratings, with and
without ties, voters with tastes, and an influence of length. Takes about half an hour on two cores.
"""

import datetime
import functools
import importlib
import importlib.metadata
import importlib.util
import itertools
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tanuki_jax.evaluation.ratings.battles import Battle
from tanuki_jax.evaluation.ratings.bootstrap_ratings import Board, Unit, rate_with_intervals
from tanuki_jax.evaluation.ratings.bradley_terry import rate
from tanuki_jax.evaluation.ratings.style_control import rate_at_equal_style
from tests.evaluation.ratings.simulated_votes import ANCHOR, BOARD, NAMES, simulated_votes

FAR = 100
OTHERS = [name for name in NAMES if name != ANCHOR]
FAR_PAIRS = [(a, b) for a, b in itertools.permutations(NAMES, 2) if BOARD[a][0] - BOARD[b][0] > FAR]


class Simulation(NamedTuple):
    """Results of simulated boards."""

    boards: int
    coverage: float
    """Share of the intervals, without that of the anchor, that hold the true rating."""
    too_low: float
    """Share of the intervals that lie below the true rating."""
    too_high: float
    whole_boards: float
    """Share of the boards on which all intervals hold it."""
    far_pairs_in_order: float
    """Share of the pairs more than 100 points apart whose ratings are in the right order."""
    mean_width: float
    effect_coverage: float | None
    """Share of the intervals of the influence of length that hold the true one."""


def simulation(
    seeds: Sequence[int],
    *,
    ties: float = 0.0,
    length_effect: float | None = None,
    controlled: bool = False,
    voters: int = 0,
    taste: float = 0.0,
    unit: Unit = "battle",
    repetitions: int = 1_000,
) -> Simulation:
    """Simulate a board for each seed, and compare it with the truth. Arguments as in `simulated_votes`, and:

    Args:
        seeds: of the votes and of the repetitions.
        ties: as there.
        length_effect: as there.
        controlled: rate at equal length.
        voters: as there.
        taste: as there. The truth is then what very many voters would give.
        unit: what is drawn anew.
        repetitions: how many times.
    """
    truth = limit(ties, taste) if taste else {name: float(rating) for name, (rating, _) in BOARD.items()}
    boards, effects = list[Board](), list[bool]()
    for seed in seeds:
        votes = simulated_votes(
            np.random.default_rng(seed), ties=ties, length_effect=length_effect, voters=voters, taste=taste
        )
        if controlled:
            assert length_effect is not None
            found = rate_at_equal_style(
                votes, ANCHOR, features=["length"], unit=unit, repetitions=repetitions, seed=seed
            )
            effect = found.effects["length"]
            effects.append(effect.low <= length_effect * effect.scale <= effect.high)
            boards.append(found.board)
        else:
            boards.append(rate_with_intervals(votes, ANCHOR, unit=unit, repetitions=repetitions, seed=seed))
    low, high = (
        np.array([[getattr(board.models[name], side) for name in OTHERS] for board in boards])
        for side in ("low", "high")
    )
    true = np.array([truth[name] for name in OTHERS])
    held = (low <= true) & (true <= high)
    order = [[board.models[a].rating > board.models[b].rating for a, b in FAR_PAIRS] for board in boards]
    return Simulation(
        len(boards),
        float(held.mean()),
        float((high < true).mean()),
        float((low > true).mean()),
        float(held.all(axis=1).mean()),
        float(np.mean(order)),
        float((high - low).mean()),
        float(np.mean(effects)) if effects else None,
    )


@functools.cache
def limit(ties: float, taste: float) -> dict[str, float]:
    """Return the ratings of 400,000 votes, each of another voter with a taste."""
    votes = simulated_votes(np.random.default_rng(12_345), times=200, ties=ties, voters=400_000, taste=taste)
    return rate(votes, ANCHOR).ratings


def pooled(pool: ProcessPoolExecutor, boards: int, **options: Any) -> dict[str, Any]:
    """Simulate boards in several processes, and return their means."""
    chunks = [range(begin, min(begin + 25, boards)) for begin in range(0, boards, 25)]
    parts = list(pool.map(functools.partial(simulation, **options), chunks))
    weights = [part.boards for part in parts]
    means = {
        name: None if values[0] is None else round(float(np.average(values, weights=weights)), 4)
        for name, values in zip(Simulation._fields[1:], list(zip(*parts, strict=True))[1:], strict=True)
    }
    return options | {"boards": boards} | {name: value for name, value in means.items() if value is not None}


def agreement(boards: int) -> dict[str, float]:
    """Return the greatest differences from scikit-learn, and from evalica where it is installed, in rating points."""
    from tests.evaluation.ratings.test_bradley_terry import by_regression

    differences: dict[str, float] = {}
    for seed in range(boards):
        votes = simulated_votes(np.random.default_rng(seed), ties=0.75)
        found = rate(votes, ANCHOR).ratings
        others = {"scikit-learn": by_regression(votes, ANCHOR)}
        if importlib.util.find_spec("evalica"):
            others["evalica"] = by_evalica(votes)
        for name, ratings in others.items():
            largest = max(abs(ratings[model] - found[model]) for model in NAMES)
            differences[name] = max(differences.get(name, 0.0), largest)
    return {name: float(f"{value:.2g}") for name, value in differences.items()}


def by_evalica(votes: list[Battle]) -> dict[str, float]:
    """Rate by the library evalica."""
    evalica: Any = importlib.import_module("evalica")
    scores = evalica.bradley_terry(*evalica_columns(votes)).scores
    points = {name: 400 * float(np.log10(scores[name])) for name in NAMES}
    return {name: value - points[ANCHOR] + 1000 for name, value in points.items()}


def evalica_columns(votes: list[Battle]) -> tuple[list[str], list[str], list[Any]]:
    """Return the votes as evalica takes them."""
    winner: Any = importlib.import_module("evalica").Winner
    words = {"model_a": winner.X, "model_b": winner.Y}
    winners = [words.get(vote.winner, winner.Draw) for vote in votes]
    return [vote.model_a for vote in votes], [vote.model_b for vote in votes], winners


def seconds() -> dict[str, float]:
    """Return CPU seconds of one board of 1,000 repetitions, the least of three."""
    votes = simulated_votes(np.random.default_rng(0), length_effect=1.5, voters=200)

    def timed(work: Any) -> float:
        times = []
        for _ in range(3):
            began = time.process_time()
            work()
            times.append(time.process_time() - began)
        return round(min(times), 2)

    found = {
        "1,000 repetitions by battle": timed(lambda: rate_with_intervals(votes, ANCHOR)),
        "1,000 repetitions by voter": timed(lambda: rate_with_intervals(votes, ANCHOR, unit="voter")),
        "1,000 repetitions at equal length": timed(lambda: rate_at_equal_style(votes, ANCHOR, features=["length"])),
    }
    if importlib.util.find_spec("evalica"):
        evalica: Any = importlib.import_module("evalica")
        columns, options = evalica_columns(votes), {"n_resamples": 1_000, "bootstrap_method": "percentile"}
        found["1,000 repetitions by battle of evalica"] = timed(
            lambda: evalica.bootstrap(evalica.bradley_terry, *columns, **options)
        )
    return found


def main(file: Path) -> None:
    """Measure, and write the figures."""
    packages = [
        name for name in ("numpy", "scipy", "scikit-learn", "evalica") if importlib.util.find_spec(_module(name))
    ]
    found: dict[str, Any] = {
        "command": "python -m tests.evaluation.ratings.measure_ratings FILE",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": "2 CPU cores",
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "cpu_seconds_of_2049_votes": seconds(),
        "largest_difference_in_points": agreement(20),
    }
    with ProcessPoolExecutor(2) as pool:
        found["simulations"] = {
            "votes without ties": pooled(pool, 1_000),
            "votes with ties": pooled(pool, 1_000, ties=0.75),
            "60 voters with tastes, drawn by voter": pooled(pool, 200, voters=60, taste=150.0, unit="voter"),
            "60 voters with tastes, drawn by battle": pooled(pool, 200, voters=60, taste=150.0),
            "20 voters with tastes, drawn by voter": pooled(pool, 200, voters=20, taste=150.0, unit="voter"),
            "length counts, at equal length": pooled(pool, 200, length_effect=1.5, controlled=True),
            "length counts, not controlled": pooled(pool, 200, length_effect=1.5),
            "length does not count, at equal length": pooled(pool, 200, length_effect=0.0, controlled=True),
        }
    file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _module(package: str) -> str:
    return {"scikit-learn": "sklearn"}.get(package, package)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
