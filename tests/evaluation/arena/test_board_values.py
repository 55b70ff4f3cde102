"""The board of an arena, once there are enough votes."""

from pathlib import Path

from tanuki_jax.evaluation.arena.arena_pages import Pages
from tanuki_jax.evaluation.arena.battle_store import BattleStore
from tanuki_jax.evaluation.arena.battle_tables import open_database
from tanuki_jax.evaluation.arena.board_values import board_values, standings
from tests.evaluation.arena.arenas import arena_of
from tests.evaluation.arena.test_battle_store import answered, begun

ARENA = arena_of({"x": "http://x", "y": "http://y", "new": "http://new"}, board_battles=5)


def voted(store: BattleStore, pair: tuple[str, str], winners: str) -> None:
    for number, winner in enumerate(winners):
        token = begun(store, pair)
        answered(store, token)
        store.vote(token, {"a": "model_a", "b": "model_b", "t": "tie"}[winner], now=10.0 + number)


def test_models_with_enough_votes_are_rated_from_the_first_model(tmp_path: Path) -> None:
    store = BattleStore(open_database(f"sqlite:///{tmp_path}/arena.sqlite"))
    assert "collect votes first" in board_values(ARENA, store)["reason"] and standings(ARENA, store) == {}
    voted(store, ("x", "y"), "aaab" * 10)
    voted(store, ("new", "y"), "bb")
    found = board_values(ARENA, store)
    assert [(row["model"], row["rating"], row["battles"]) for row in found["rows"]] == [
        ("x", "1000", 40),
        ("y", "809", 40),
    ]
    assert found["rows"][0]["ranks"] == "1" and found["rows"][1]["win_rate"] == "25.0%"
    page = Pages(ARENA, lambda: found).find("board")
    assert page is not None and "809" in page.content


def test_standings_have_the_width_of_their_intervals(tmp_path: Path) -> None:
    store = BattleStore(open_database(f"sqlite:///{tmp_path}/arena.sqlite"))
    voted(store, ("x", "y"), "aaab" * 10)
    found = standings(ARENA, store)
    assert found["x"] == (1000.0, 0.0) and 40 < found["y"].half_width < 250
