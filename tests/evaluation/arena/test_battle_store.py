"""Rules of battles, which the database keeps whatever is called in whatever order, by several at once."""

import collections
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tanuki_jax.evaluation.arena.battle_store import (
    BattleStore,
    PairCounts,
    Refused,
    Visitor,
    hash_of,
    new_token,
)
from tanuki_jax.evaluation.arena.battle_tables import open_database
from tanuki_jax.evaluation.ratings.battles import Battle

HIM = Visitor("address", hash_of("person"))


@pytest.fixture
def store(tmp_path: Path) -> BattleStore:
    """Return an empty store."""
    return BattleStore(open_database(f"sqlite:///{tmp_path}/arena.sqlite"))


def begun(store: BattleStore, models: tuple[str, str] = ("x", "y"), **values: str) -> str:
    return store.begin(models, HIM, now=1.0, **values)


def answered(store: BattleStore, token: str, *texts: str, now: float = 2.0) -> int:
    """Ask, and let both models answer."""
    turn = store.ask(token, "こんにちは", most_turns=3, now=now)
    a, b = texts or ("はい", "いいえ")
    store.end_answers(token, turn, {"a": (a, 50.0, ""), "b": (b, 50.0, "")}, now=now + 1)
    return turn


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value.reason


def test_a_battle_of_two_turns_and_its_vote(store: BattleStore) -> None:
    token = begun(store)
    assert store.state(token) == ((), False, "", None)
    assert [answered(store, token), answered(store, token, "一", "二")] == [0, 1]
    state = store.state(token)
    assert [turn.texts for turn in state.turns] == [("はい", "いいえ"), ("一", "二")]
    assert state.may_vote and state.models is None
    assert store.vote(token, "model_b", now=9.0) == ("x", "y")
    assert store.state(token)[1:] == (False, "model_b", ("x", "y"))
    assert [*store.rated()] == [Battle("x", "y", "model_b", voter="address")]


def test_steps_out_of_order_are_refused(store: BattleStore) -> None:
    token = begun(store)
    assert refusal(lambda: store.vote(token, "tie", now=2.0)) == "early"
    turn = store.ask(token, "あ", most_turns=3, now=2.0)
    assert refusal(lambda: store.ask(token, "い", most_turns=3, now=2.0)) == "busy"
    store.begin_answers(token, turn, {"a": "は", "b": ""}, now=3.0)
    assert refusal(lambda: store.vote(token, "tie", now=3.0)) == "early"
    store.begin_answers(token, turn, {"b": "い"}, now=4.0)
    assert refusal(lambda: store.vote(token, "win", now=4.0)) == "winner"
    store.vote(token, "tie", now=4.0)
    assert refusal(lambda: store.vote(token, "tie", now=5.0)) == "voted"
    assert refusal(lambda: store.ask(token, "う", most_turns=3, now=5.0)) == "voted"
    for forged in ("", token[:-1], token.upper(), "あ", "\ud800", "x" * 100_000, new_token()):
        assert refusal(lambda forged=forged: store.vote(forged, "tie", now=5.0)) == "unknown"  # type: ignore[misc]
        assert refusal(lambda forged=forged: store.state(forged)) == "unknown"  # type: ignore[misc]


def test_a_battle_has_so_many_turns(store: BattleStore) -> None:
    token = begun(store)
    for _ in range(3):
        answered(store, token)
    assert refusal(lambda: answered(store, token)) == "turns"


def test_an_answer_that_has_ended_stays_as_it_is(store: BattleStore) -> None:
    token = begun(store)
    turn = answered(store, token)
    store.end_answers(token, turn, {"a": ("別", None, "")}, now=9.0)
    store.begin_answers(token, turn, {"b": "別"}, now=9.0)
    assert store.state(token).turns[0].texts == ("はい", "いいえ")


def test_one_of_many_votes_at_once_counts(store: BattleStore) -> None:
    token = begun(store)
    answered(store, token)
    outcomes = collections.Counter[str]()
    barrier = threading.Barrier(16)

    def vote(number: int) -> None:
        barrier.wait()
        try:
            store.vote(token, ("model_a", "model_b")[number % 2], now=5.0)
            outcomes["counted"] += 1
        except Refused as error:
            outcomes[error.reason] += 1

    threads = [threading.Thread(target=vote, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {"counted": 1, "voted": 15} and len([*store.rated()]) == 1


def test_votes_are_append_only(store: BattleStore) -> None:
    token = begun(store)
    answered(store, token)
    store.vote(token, "tie", now=5.0)
    for statement in ("UPDATE votes SET winner = 'model_a'", "DELETE FROM votes"):
        with pytest.raises(Exception, match="append-only"), store._engine.begin() as connection:
            connection.exec_driver_sql(statement)
    assert [battle.winner for battle in store.rated()] == ["tie"]


def test_battles_that_are_marked_are_left_out(store: BattleStore) -> None:
    tokens = [begun(store), begun(store)]
    for number, token in enumerate(tokens):
        answered(store, token)
        store.vote(token, "tie", now=5.0 + number)
    store.mark(tokens[0], ["names gpt", "names gpt", "x" * 200])
    store.mark(tokens[0], ["names gpt"])
    assert len([*store.rated()]) == 1 and len([*store.rated(marked=True)]) == 2


def test_a_battle_is_drawn_again_before_its_second_question(store: BattleStore) -> None:
    token = begun(store)
    turn = store.ask(token, "あ", most_turns=3, now=2.0)
    store.begin_answers(token, turn, {"a": "は"}, now=2.0)
    store.redraw(token, ("z", "x"), {"y": "no answer"}, now=3.0)
    assert store.models(token) == ("z", "x") and store.failed() == {"y": 1}
    assert store.state(token).turns[0].texts == ("", "") and not store.state(token).may_vote
    store.end_answers(token, turn, {"a": ("は", None, ""), "b": ("い", None, "")}, now=4.0)
    answered(store, token)
    assert refusal(lambda: store.redraw(token, ("x", "y"), {"z": "no answer"}, now=5.0)) == "voted"
    assert store.models(token) == ("z", "x") and store.failed() == {"y": 1}


def test_pairs_are_counted_whatever_their_sides(store: BattleStore) -> None:
    tokens = [begun(store, pair, round=name) for pair in (("x", "y"), ("y", "x"), ("x", "z")) for name in ("1", "2")]
    for token in tokens[:3]:
        answered(store, token)
    store.vote(tokens[0], "tie", now=5.0)
    assert store.counts() == {("x", "y"): PairCounts(4, 3, 1), ("x", "z"): PairCounts(2, 0, 0)}
    assert store.counts("2") == {("x", "y"): PairCounts(2, 1, 0), ("x", "z"): PairCounts(1, 0, 0)}
    assert store.speeds(["x", "y", "z"]) == {"x": [50.0] * 3, "y": [50.0] * 3, "z": []}


def test_what_a_visitor_did_lately_is_counted(store: BattleStore) -> None:
    token = begun(store)
    answered(store, token, now=100.0)
    assert (store.begun_since("address", 1.0), store.begun_since("address", 1.5)) == (1, 0)
    assert (store.asked_since("address", 100.0), store.asked_since("other", 0.0)) == (1, 0)


def test_answers_of_a_process_that_ended_end(store: BattleStore) -> None:
    old, new = begun(store), begun(store)
    store.ask(old, "あ", most_turns=3, now=10.0)
    store.ask(new, "あ", most_turns=3, now=20.0)
    assert store.end_interrupted(before=15.0, now=30.0) == 2
    [turn] = store.state(old).turns
    assert turn.ended and turn.failed and not store.state(new).turns[0].ended
    assert store.ask(old, "もう一度", most_turns=3, now=31.0) == 1


def test_a_person_may_have_his_texts_deleted(store: BattleStore) -> None:
    mine, other = begun(store), store.begin(("x", "y"), Visitor("b", hash_of("b")), now=1.0)
    for token in (mine, other):
        answered(store, token)
        store.vote(token, "tie", now=5.0)
    begun_answer = begun(store)
    turn = store.ask(begun_answer, "あ", most_turns=3, now=6.0)
    assert store.forget(HIM.person, now=7.0) == 2
    store.end_answers(begun_answer, turn, {"a": ("後から", None, "")}, now=8.0)
    assert store.state(begun_answer).turns[0].texts == ("", "")
    assert store.state(mine).turns[0][:2] == ("", ("", "")) and store.state(other).turns[0].texts[0] == "はい"
    assert [battle.voter for battle in store.rated()] == ["", "b"]
    assert store.forget(HIM.person, now=9.0) == 0


def test_a_token_says_nothing_and_is_not_stored(store: BattleStore, tmp_path: Path) -> None:
    tokens = {begun(store) for _ in range(50)}
    assert len(tokens) == 50 and all(len(token) >= 43 for token in tokens)
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not any(token.encode() in stored for token in tokens)


VOTING = """
import sys
from tanuki_jax.evaluation.arena.battle_store import BattleStore, Visitor
from tanuki_jax.evaluation.arena.battle_tables import open_database
store = BattleStore(open_database(sys.argv[1]))
for number in range(10_000):
    token = store.begin((f"x{number}", "y"), Visitor("a", "p"), now=1.0)
    turn = store.ask(token, "q", most_turns=1, now=1.0)
    store.begin_answers(token, turn, {"a": "1", "b": "2"}, now=1.0)
    store.vote(token, "tie", now=1.0)
    print(number, flush=True)
"""


def test_kill_9_loses_no_vote_that_was_confirmed(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/arena.sqlite"
    processes = [
        subprocess.Popen([sys.executable, "-c", VOTING, address], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "0\n"
    time.sleep(0.3)
    confirmed = []
    for process in processes:
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        confirmed.append(1 + len([line for line in rest.split("\n")[:-1]]))
    votes = collections.Counter(battle.model_a for battle in BattleStore(open_database(address)).rated())
    assert sum(confirmed) <= votes.total() <= sum(confirmed) + 2
    for number in range(min(confirmed)):
        assert votes[f"x{number}"] == 2
