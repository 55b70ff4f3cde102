"""The application called by hand: forged, repeated, enormous, out of order; and what it tells before the vote."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from fastapi.testclient import TestClient

from tanuki_jax.evaluation.arena.arena_app import MOST_BODY_BYTES, create_app, language_of
from tanuki_jax.evaluation.arena.arena_pages import Pages
from tanuki_jax.evaluation.arena.battle_service import BattleService
from tanuki_jax.evaluation.arena.battle_store import BattleStore
from tanuki_jax.evaluation.arena.battle_tables import open_database
from tanuki_jax.evaluation.arena.board_values import board_values
from tests.evaluation.arena.arenas import arena_of, speaking

NAMES = ("Himitsu-7B", "Kakushi-8B")


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[TestClient]:
    """Return a browser at an arena of two models with names that nothing else has."""
    with contextlib.ExitStack() as stack:
        urls = {name: stack.enter_context(speaking(lambda messages: "**はい**<script>")) for name in NAMES}
        arena = arena_of(urls)
        store = BattleStore(open_database(f"sqlite:///{tmp_path}/arena.sqlite"))
        app = create_app(BattleService(arena, store), Pages(arena, lambda: board_values(arena, store)), b"salt")
        yield stack.enter_context(TestClient(app, raise_server_exceptions=False))


def call(browser: TestClient, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
    headers = {"content-type": "application/json"}
    response = browser.post(f"/api/{path}", content=json.dumps(body), headers=headers)
    return response.status_code, response.json()


def ended(browser: TestClient, question: str = "こんにちは") -> str:
    """Begin a battle, wait for its answers, and return its token."""
    token: str = call(browser, "battles", question=question)[1]["token"]
    for _ in range(300):
        if call(browser, "state", token=token)[1]["turns"][-1]["ended"]:
            return token
        time.sleep(0.02)
    raise AssertionError("the answers have not ended")


def test_nothing_names_a_model_before_the_vote(browser: TestClient) -> None:
    said = [browser.get(f"/{path}") for path in ("", "arena.js", "arena.css", "how")]
    token = ended(browser)
    said += [browser.post("/api/state", json={"token": token}), browser.get("/")]
    said.append(browser.post("/api/questions", json={"token": token, "question": "もう一つ"}))
    for response in said:
        whole = response.text + json.dumps(dict(response.headers))
        assert not any(name in whole for name in NAMES)
    status, found = call(browser, "votes", token=token, winner="model_a")
    assert status == 200 and sorted(each["name"] for each in found["models"]) == sorted(NAMES)


def test_a_vote_counts_once_and_is_kept(browser: TestClient) -> None:
    token = ended(browser)
    assert call(browser, "votes", token=token, winner="tie")[0] == 200
    for winner in ("tie", "model_a"):
        assert call(browser, "votes", token=token, winner=winner) == (409, {"error": "voted", "words": ANY})
    state = call(browser, "state", token=token)[1]
    assert state["winner"] == "tie" and not state["may_vote"] and len(state["models"]) == 2
    assert call(browser, "questions", token=token, question="まだ?")[1]["error"] == "voted"


def test_answers_are_safe_html(browser: TestClient) -> None:
    token = ended(browser)
    [turn] = call(browser, "state", token=token)[1]["turns"]
    assert turn["answers"] == ["<p><strong>はい</strong>&lt;script&gt;</p>\n"] * 2


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        ("votes", {"token": "x" * 43, "winner": "tie"}, 404, "unknown"),
        ("votes", {"token": "x", "winner": "win"}, 400, "winner"),
        ("votes", {"winner": "tie"}, 400, "body"),
        ("votes", {"token": ["x"], "winner": "tie"}, 400, "body"),
        ("state", {"token": None}, 400, "body"),
        ("state", {}, 400, "body"),
        ("questions", {"token": "x", "question": "あ"}, 404, "unknown"),
        ("battles", {"question": ""}, 400, "empty"),
        ("battles", {"question": "あ" * 8_001}, 400, "long"),
        ("battles", {"question": 3}, 400, "body"),
    ],
)
def test_what_is_no_request_is_refused(
    browser: TestClient, path: str, body: dict[str, Any], status: int, reason: str
) -> None:
    assert call(browser, path, **body) == (status, {"error": reason, "words": ANY})


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b"{", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"\xff\xfe", "application/json"),
        (b'{"question": "' + b"a" * MOST_BODY_BYTES + b'"}', "application/json"),
        (b'{"question": "a"}', "text/plain"),
        (b"question=a", "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(browser: TestClient, content: bytes, kind: str) -> None:
    response = browser.post("/api/battles", content=content, headers={"content-type": kind})
    assert (response.status_code, response.json()["error"]) == (400, "body")


def test_odd_signs_hold_nothing_up(browser: TestClient) -> None:
    token = ended(browser, "\ud800\0あ")
    assert call(browser, "state", token=token)[1]["turns"][0]["question"] == "?あ"


def test_a_person_deletes_his_own_conversations_alone(browser: TestClient) -> None:
    browser.get("/")
    mine = ended(browser)
    browser.cookies.clear()
    browser.get("/")
    other = ended(browser)
    assert call(browser, "forget") == (200, {"battles": 1})
    assert call(browser, "state", token=other)[1]["turns"][0]["question"] == ""
    assert call(browser, "state", token=mine)[1]["turns"][0]["question"] == "こんにちは"
    browser.cookies.clear()
    assert call(browser, "forget") == (200, {"battles": 0})


def test_pages_are_there_and_others_are_not(browser: TestClient) -> None:
    for path in ("", "board", "models", "how", "arena.js", "arena.css"):
        response = browser.get(f"/{path}")
        assert response.status_code == 200 and "default-src 'self'" in response.headers["content-security-policy"]
    for path in ("frame.html.jinja", "../arena_app.py", "docs", "openapi.json", "api/state"):
        assert browser.get(f"/{path}").status_code == 404
    assert all(name in browser.get("/models").text for name in NAMES)


def test_the_board_says_why_there_is_none_and_counts_the_pairs(browser: TestClient) -> None:
    token = ended(browser)
    call(browser, "votes", token=token, winner="tie")
    page = browser.get("/board").text
    assert "There is no board yet" in page and "<td>1</td><td>1</td><td>1</td>" in page


@pytest.mark.parametrize(
    ("text", "language"),
    [("狸は", "ja"), ("ｶﾀｶﾅ", "ja"), ("你好", "zh"), ("Hello", "en"), ("123", "other"), ("", "other")],
)
def test_languages(text: str, language: str) -> None:
    assert language_of(text) == language
