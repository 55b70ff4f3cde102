"""Values of the page of the board, from the votes so far."""

from collections import Counter
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.arena.arena_settings import Arena
from tanuki_jax.evaluation.arena.battle_store import BattleStore
from tanuki_jax.evaluation.arena.pairing import Standing
from tanuki_jax.evaluation.ratings.bootstrap_ratings import Board, rate_with_intervals
from tanuki_jax.evaluation.ratings.win_rates import win_rates


def board_values(arena: Arena, store: BattleStore) -> dict[str, Any]:
    """Return the values of `board.html.jinja`; where no board can be made, the reason."""
    battles = [*store.rated()]
    counts = Counter(name for battle in battles for name in (battle.model_a, battle.model_b))
    listed = {name for name, count in counts.items() if count >= arena.board_battles}
    shown = [battle for battle in battles if {battle.model_a, battle.model_b} <= listed]
    values: dict[str, Any] = {"pairs": [*store.counts().items()], "failed": [*store.failed().items()], "rows": []}
    try:
        board = rate_with_intervals(shown, arena.anchor or arena.models[0].name)
    except InputError as error:
        return values | {"reason": str(error)}
    rates = win_rates(shown)
    rows = [
        {
            "model": name,
            "ranks": _ranks(board, name),
            "rating": f"{model.rating:.0f}",
            "interval": f"{model.low:.0f} – {model.high:.0f}",
            "win_rate": f"{rates[name].win_rate:.1%}",
            "battles": rates[name].battles,
        }
        for name, model in board.models.items()
    ]
    return values | {"reason": "", "rows": rows}


def standings(arena: Arena, store: BattleStore) -> dict[str, Standing]:
    """Return the places of the models on the board; empty: there is none yet."""
    try:
        board = rate_with_intervals(store.rated(), arena.anchor or arena.models[0].name, repetitions=200)
    except InputError:
        return {}
    return {name: Standing(each.rating, (each.high - each.low) / 2) for name, each in board.models.items()}


def _ranks(board: Board, name: str) -> str:
    """Return the ranks that a model may have: models whose intervals lie above its own stand before it."""
    me = board.models[name]
    first = 1 + sum(other.low > me.high for other in board.models.values())
    last = len(board.models) - sum(other.high < me.low for other in board.models.values())
    return str(first) if first == last else f"{first} – {last}"
