"""Parts of the page on pairs: shares of wins beside those that the ratings predict, and how often each pair met."""

import math
from collections.abc import Sequence

import numpy as np

from tanuki_jax.base.pages import Row
from tanuki_jax.base.progress import amount
from tanuki_jax.evaluation.arena.board_charts import heat_map
from tanuki_jax.evaluation.arena.rated_votes import RatedVotes
from tanuki_jax.evaluation.ratings.bradley_terry import expected_score
from tanuki_jax.evaluation.ratings.logistic_fit import Floats
from tanuki_jax.evaluation.ratings.win_rates import PairResult
from tanuki_jax.evaluation.report.report_block import Block, Picture

_SURPRISES = 10


def pairs_block(rated: RatedVotes, results: Sequence[PairResult]) -> Block:
    """Return heat maps of the share of wins of each pair, and of the share that the ratings predict."""
    models = list(rated.board.models)
    scores, counts = score_matrices(models, results)
    predicted = predicted_matrix([rated.board.models[model].rating for model in models])
    pictures = []
    for values, texts, bar in (
        (scores, _texts(scores, counts), "score of the row's model in the votes"),
        (predicted, _texts(predicted, None), "score of the row's model that the ratings predict"),
    ):
        chart = heat_map(models, models, values, texts, bar=bar, limits=(0, 1), percent=True)
        pictures.append(Picture(chart, f"{bar}, for each pair of models"))
    return Block(
        title="Results of each pair",
        note="The share of wins of the row's model against the column's, with the number of their votes below it (the "
        "first picture), and the share that the ratings predict (second picture); red: the row's model wins more.\n"
        "A tie and two bad answers are half a win; pairs that never met are grey.",
        pictures=pictures,
    )


def score_matrices(models: Sequence[str], results: Sequence[PairResult]) -> tuple[Floats, Floats]:
    """Return scores, [M, M], of the row's model against the column's, NaN if they never met; and numbers of votes."""
    place = {model: index for index, model in enumerate(models)}
    scores, counts = np.full((len(models), len(models)), np.nan), np.zeros((len(models), len(models)))
    for result in results:
        i, j = place[result.model], place[result.other]
        scores[i, j], scores[j, i] = result.score, 1 - result.score
        counts[i, j] = counts[j, i] = result.battles
    return scores, counts


def predicted_matrix(ratings: Sequence[float]) -> Floats:
    """Return the scores, [M, M], that ratings predict; NaN for a model against itself."""
    matrix = np.array([[expected_score(row, column) for column in ratings] for row in ratings])
    np.fill_diagonal(matrix, np.nan)
    return matrix


def _texts(shares: Floats, counts: Floats | None) -> list[list[str]]:
    return [
        [
            "" if math.isnan(share) else f"{share:.0%}" if counts is None else f"{share:.0%}\n{counts[row, column]:.0f}"
            for column, share in enumerate(line)
        ]
        for row, line in enumerate(shares)
    ]


def surprise(result: PairResult) -> float:
    """Return the difference of score and prediction in standard deviations of as many votes without ties."""
    return (result.score - result.predicted) / math.sqrt(result.predicted * (1 - result.predicted) / result.battles)


def surprises_block(results: Sequence[PairResult]) -> Block:
    """Return a table of the pairs whose results are farthest from the prediction."""
    shown = sorted(results, key=lambda result: -abs(surprise(result)))[:_SURPRISES]
    return Block(
        title="Pairs farthest from the prediction",
        section=False,
        head=("model", "other model", "score", "predicted", "deviation", "votes", "wins", "losses", "ties", "both bad"),
        left=2,
        rows=[
            Row(
                [
                    result.model,
                    result.other,
                    f"{result.score:.1%}",
                    f"{result.predicted:.1%}",
                    f"{surprise(result):+.1f}",
                    *(f"{n:,}" for n in (result.battles, result.wins, result.losses, result.ties, result.both_bad)),
                ]
            )
            for result in shown
        ],
        note="The results of pairs that one rating for each model explains least; many deviations beyond 2 say that "
        "models are good against different rivals.\n"
        "The deviation is in standard deviations of as many votes without ties.",
    )


def meetings_block(rated: RatedVotes, results: Sequence[PairResult]) -> Block:
    """Return a heat map of how often each pair met."""
    models = list(rated.board.models)
    _, counts = score_matrices(models, results)
    pairs = counts[np.triu_indices(len(models), 1)]
    shown = np.where(np.eye(len(models), dtype=bool), np.nan, counts)
    texts = [["" if math.isnan(count) else f"{count:.0f}" for count in line] for line in shown]
    chart = heat_map(models, models, shown, texts, bar="votes", limits=(0, float(pairs.max())), colours="Blues")
    decided = [battle.winner for battle in rated.battles if battle.winner in ("model_a", "model_b")]
    first = (
        f" Model A won {decided.count('model_a') / len(decided):.1%} of the {len(decided):,} votes with a winner; far "
        "from 50%, the order of the answers may have had an influence."
        if decided
        else ""
    )
    return Block(
        title="How often each pair met",
        note="The number of votes of each pair: a board is only as fair as its sampling, and a model that met only "
        "weak or only strong rivals is rated through others.\n"
        f"{int((pairs > 0).sum()):,} of {amount(len(pairs), 'pair')} met, with {pairs.min():.0f} to {pairs.max():.0f} "
        f"votes.{first}",
        pictures=[Picture(chart, "number of votes of each pair of models")],
    )
