"""Endpoints that a model has, and whether it is the model of an earlier run in a folder."""

import json
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.endpoints import Requests
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.evaluation.answering import Answerer
from tanuki_jax.evaluation.benchmark import By
from tanuki_jax.evaluation.greetings import CHATS, Greeting, greet, known_greetings
from tests.evaluation.scripted import refused, scripted

TEXTS = "completions"


def behind(url: str, *, stated: bool = False) -> Answerer:
    return Answerer(RemoteModel(urls=(url,)), "endpoint", "m", f"m at {url}", stated)


def run(folder: Path, url: str, by: By = "model", *, stated: bool = False, **words: str) -> None:
    """Note the greetings of a run in a folder: those of chats and of texts."""
    paths = {"chats": CHATS, "texts": TEXTS}
    greetings = {paths[name]: Greeting(text) for name, text in words.items()}
    known = known_greetings(folder / "run.json", {by: behind(url, stated=stated)}, {by: greetings})
    (folder / "run.json").write_text(json.dumps({"greetings": known}))


def test_a_model_that_came_back_after_another_is_known(tmp_path: Path) -> None:
    run(tmp_path, "http://one/v1", chats="やあ")
    run(tmp_path, "http://other/v1", chats="おはよう")
    with pytest.raises(InputError, match=r"the model at http://one/v1 greets in other words .* by --fingerprint TEXT"):
        run(tmp_path, "http://one/v1", chats="おはよう")


def test_each_endpoint_is_known_though_later_runs_ask_others(tmp_path: Path) -> None:
    run(tmp_path, "http://one/v1", chats="やあ", texts="、狸")
    run(tmp_path, "http://one/v1", texts="、狸")
    with pytest.raises(InputError, match="it may be another model"):
        run(tmp_path, "http://one/v1", chats="おはよう")


def test_a_judge_is_known_as_well(tmp_path: Path) -> None:
    run(tmp_path, "http://one/v1", "judge", chats="やあ")
    with pytest.raises(InputError, match=r"the judge at http://one/v1 .*: name another --out$"):
        run(tmp_path, "http://one/v1", "judge", chats="おはよう")


def test_stated_models_may_greet_as_they_like(tmp_path: Path) -> None:
    run(tmp_path, "http://one/v1", stated=True, chats="やあ")
    run(tmp_path, "http://one/v1", stated=True, chats="おはよう")


@pytest.mark.parametrize("status", [400, 404, 500])
def test_an_endpoint_that_fails_says_why_and_leaves_the_others(status: int) -> None:
    def script(body: dict[str, Any]) -> Any:
        if "prompt" in body:
            return "、狸です。"
        response = refused()
        response.set_status(status)
        return response

    with scripted(script) as url:
        found = greet(behind(url), [CHATS, TEXTS, CHATS], Requests(tries=1))
    assert found[TEXTS] == Greeting("、狸です。") and f"answered {status}: the prompt" in found[CHATS].refusal


def test_an_endless_greeting_is_kept_in_part() -> None:
    with scripted(lambda body: "狸" * 100_000) as url:
        assert greet(behind(url), [CHATS], Requests())[CHATS] == Greeting("狸" * 1_000)
