"""The commands `arena` and `arena export` as a user runs them."""

import contextlib
import csv
import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.arena.battle_store import BattleStore
from tanuki_jax.evaluation.arena.battle_tables import open_database
from tanuki_jax.evaluation.arena.serve_commands import export, serve
from tanuki_jax.evaluation.arena.serve_options import Export, Serve
from tanuki_jax.evaluation.ratings.vote_files import read_votes
from tests.evaluation.arena.arenas import arena_of, speaking
from tests.evaluation.arena.test_battle_store import answered, begun


def voted(folder: Path) -> Path:
    """Return a database of two votes, one on a battle that named a model."""
    store = BattleStore(open_database(f"sqlite:///{folder}/arena.sqlite"))
    for number in range(2):
        token = begun(store, round="makers", language="ja")
        answered(store, token)
        store.vote(token, "model_b", now=5.0 + number)
    store.mark(token, ["names gpt"])
    return folder / "arena.sqlite"


def test_votes_are_written_as_arena_rate_reads_them(tmp_path: Path) -> None:
    database = voted(tmp_path)
    export(Export(database=str(database), output=str(tmp_path / "votes.csv")))
    [battle] = read_votes(tmp_path / "votes.csv")
    assert (battle.winner, battle.round, battle.language, battle.voter) == ("model_b", "makers", "ja", "address")
    export(Export(database=str(database), output=str(tmp_path / "all.csv"), all=True))
    assert len(list(csv.reader((tmp_path / "all.csv").read_text("utf-8").splitlines()))) == 3
    export(Export(database=str(database), output=str(tmp_path / "all.jsonl"), all=True))
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text("utf-8").splitlines()]
    assert [row["marks"] for row in rows] == [[], ["names gpt"]]
    assert rows[0]["turns"] == [{"question": "こんにちは", "answer_a": "はい", "answer_b": "いいえ"}]
    assert len(read_votes(tmp_path / "all.jsonl")) == 2


@pytest.mark.parametrize(
    ("database", "output", "complaint"),
    [("none.sqlite", "v.csv", "there is no database"), ("none.sqlite", "v.txt", "must end with .csv or .jsonl")],
)
def test_what_cannot_be_exported_is_a_sentence(tmp_path: Path, database: str, output: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        export(Export(database=str(tmp_path / database), output=str(tmp_path / output)))


def test_an_arena_needs_two_models_that_answer(tmp_path: Path) -> None:
    with speaking(lambda messages: "x") as url:
        arena = arena_of({"x": url, "gone": "http://127.0.0.1:9"}, database=f"sqlite:///{tmp_path}/a.sqlite")
        with pytest.raises(InputError, match=r"gone does not answer and is left out: .*needs two models that answer"):
            serve(arena, Serve(port=0))


CONFIG = """
import json, sys
from tests.evaluation.arena.arenas import arena_of
def mine():
    return arena_of(json.loads({urls!r}), database={database!r})
"""


def post(url: str, path: str, **body: Any) -> dict[str, Any]:
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{url}/api/{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        found: dict[str, Any] = json.loads(response.read())
        return found


def test_an_arena_is_opened_voted_in_and_ended(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        urls = {name: stack.enter_context(speaking(lambda messages: "はい")) for name in ("x", "y")}
        database = f"sqlite:///{tmp_path}/arena.sqlite"
        (tmp_path / "arena.py").write_text(CONFIG.format(urls=json.dumps(urls), database=database))
        command = [sys.executable, "-m", "tanuki_jax.arena", f"--config={tmp_path}/arena.py:mine", "--port", "0"]
        process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            address = re.search(r"http://\S+", line)
            assert address, line
            token = post(address[0], "battles", question="こんにちは")["token"]
            while not post(address[0], "state", token=token)["turns"][0]["ended"]:
                time.sleep(0.05)
            assert len(post(address[0], "votes", token=token, winner="tie")["models"]) == 2
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (0, -signal.SIGTERM)
    assert [battle.winner for battle in BattleStore(open_database(database)).rated()] == ["tie"]
