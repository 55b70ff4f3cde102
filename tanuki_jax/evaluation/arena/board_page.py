"""Parts of the page of a board, each with a sentence that says what it shows."""

from collections.abc import Sequence

from tanuki_jax.base.pages import Row
from tanuki_jax.base.progress import amount
from tanuki_jax.evaluation.arena.board_charts import interval_chart
from tanuki_jax.evaluation.arena.board_places import Place, places
from tanuki_jax.evaluation.arena.board_table import HEAD, Span, board_cells, possible_ranks, rating_span, with_interval
from tanuki_jax.evaluation.arena.pair_blocks import meetings_block, pairs_block, surprises_block
from tanuki_jax.evaluation.arena.part_blocks import part_blocks
from tanuki_jax.evaluation.arena.rated_votes import RatedVotes
from tanuki_jax.evaluation.arena.rating_curves import MOST_MODELS, elo_chart, glicko_chart
from tanuki_jax.evaluation.ratings.bradley_terry import ANCHOR_RATING
from tanuki_jax.evaluation.ratings.online_ratings import elo, glicko2
from tanuki_jax.evaluation.ratings.style_control import StyleBoard
from tanuki_jax.evaluation.ratings.win_rates import pair_results
from tanuki_jax.evaluation.report.report_block import Block, Picture

_DRAWN = {
    "battle": "the votes",
    "voter": "the voters, each with all of their votes,",
    "cluster": "the clusters of votes",
}


def page_blocks(rated: RatedVotes) -> list[Block]:
    """Return the parts of the page."""
    board = places(rated.board)
    results = pair_results(rated.battles, {model: place.rated.rating for model, place in board.items()})
    return [
        _board_block(rated),
        _ratings_block(rated, board),
        pairs_block(rated, results),
        surprises_block(results),
        meetings_block(rated, results),
        _curves_block(rated),
        *part_blocks(rated),
        *_style_blocks(rated, board),
    ]


def counted_votes(rated: RatedVotes) -> str:
    """Return a sentence on the number of votes by outcome."""
    winners = [battle.winner for battle in rated.battles]
    ties, bad = winners.count("tie"), winners.count("both_bad")
    return (
        f"{amount(len(winners), 'vote')} on {amount(len(rated.board.models), 'model')}: "
        f"{len(winners) - ties - bad:,} with a winner, {amount(ties, 'tie')}, {bad:,} where both answers were bad."
    )


def _board_block(rated: RatedVotes) -> Block:
    board = rated.board
    incomplete = (
        f" In {board.incomplete:,} of them some model was not held to the anchor, which widens its interval."
        if board.incomplete
        else ""
    )
    return Block(
        title="Board",
        head=HEAD,
        rows=[Row(cells, marked=cells[0] == board.anchor) for cells in board_cells(rated)],
        note=(
            f"The models by their Bradley-Terry rating, in which {board.anchor} has {ANCHOR_RATING:.0f} and 400 points "
            "are odds of ten to one.\n"
            f"{counted_votes(rated)} The 95% intervals are of the difference to the anchor: {_DRAWN[board.unit]} were "
            f"drawn anew {board.repetitions:,} times.{incomplete} Possible ranks are those that the intervals leave "
            "open. The win rate is wins by all votes; the score counts a tie and two bad answers as half a win."
        ),
    )


def _ratings_block(rated: RatedVotes, board: dict[str, Place]) -> Block:
    series = {"rating": [rating_span(place) for place in board.values()]}
    if rated.style:
        styled = places(rated.style.board)
        series["rating at equal style"] = [rating_span(styled[model]) for model in board]
    chart = interval_chart(list(board), series, "rating", ANCHOR_RATING)
    return Block(
        title="Ratings with their intervals",
        note="Each dot is a rating and each line its 95% interval; models whose lines overlap are not told apart. "
        "The dashed line is the anchor.",
        pictures=[Picture(chart, "ratings of the models with their intervals, as in the board")],
    )


def _curves_block(rated: RatedVotes) -> Block:
    shown = list(rated.board.models)[:MOST_MODELS]
    left_out = (
        f" The first {MOST_MODELS} models of the board are shown." if len(rated.board.models) > MOST_MODELS else ""
    )
    by_elo, by_glicko = elo(rated.battles), glicko2(rated.battles)
    return Block(
        title="Ratings over time",
        note="Ratings that change with each vote, in the order of the files: Elo, where all models begin at 1000 (the "
        "first picture), and Glicko-2 with its 95% band, where they begin at 1500 (the others).\n"
        "They depend on the order of the votes and have no anchor, so that their numbers are not those of the board."
        + left_out,
        pictures=[
            Picture(elo_chart({model: by_elo[model] for model in shown}), "Elo ratings over the votes"),
            Picture(
                glicko_chart({model: by_glicko[model] for model in shown}),
                "Glicko-2 ratings over the votes, with bands",
            ),
        ],
    )


def _style_blocks(rated: RatedVotes, board: dict[str, Place]) -> list[Block]:
    if rated.style is None:
        title, reason = "Style", f"The board at equal style is missing: {rated.style_reason}."
        return [Block(title=title, note=reason)] if rated.style_reason else []
    return [_effects_block(rated.style), _equal_style_block(rated.style, board)]


def _effects_block(style: StyleBoard) -> Block:
    spans = {name: Span(each.coefficient, each.low, each.high) for name, each in style.effects.items()}
    constant = f"\nNo two answers differ in: {', '.join(style.constant)}." if style.constant else ""
    chart = interval_chart(list(spans), {"effect": list(spans.values())}, "effect in logits", 0.0) if spans else None
    return Block(
        title="Effects of style",
        head=("feature", "effect [95% interval]", "usual difference"),
        rows=[
            Row([name, with_interval(span, ".3f"), f"{style.effects[name].scale:.3f}"]) for name, span in spans.items()
        ],
        note="How much more often an answer wins because it is longer or has more lists, headings or bold passages "
        "than the other, all models being equal: above 0 voters prefer more of it.\n"
        "The effect is in logits for the usual difference between two answers: the root mean square of (a - b) / (a + "
        f"b).{constant}",
        pictures=[Picture(chart, "effects of style with their intervals, as in the table")] if chart else [],
    )


def _equal_style_block(style: StyleBoard, board: dict[str, Place]) -> Block:
    return Block(
        title="Board at equal style",
        section=False,
        head=("model", "rank", "possible ranks", "rating [95% interval]", "rank on the board", "change of rating"),
        rows=[_equal_style_row(model, place, board[model]) for model, place in places(style.board).items()],
        note="The ratings that the models would have if their answers were alike in style.",
    )


def _equal_style_row(model: str, place: Place, before: Place) -> Row:
    cells: Sequence[str] = (
        model,
        str(place.rank),
        possible_ranks(place),
        with_interval(rating_span(place), ".0f"),
        str(before.rank),
        f"{place.rated.rating - before.rated.rating:+.0f}",
    )
    return Row(cells)
