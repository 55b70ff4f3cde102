"""Served models: a bounded queue, and an engine that fails."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tanuki_jax.inference.engine.job import Job, Update
from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.inference.server.registry import Registry
from tests.inference.server.conftest import make_served, serving
from tests.inference.untrained import untrained


def test_a_full_queue_says_when_to_try_again(loaded: LoadedModel) -> None:
    served = make_served(loaded, most_waiting=3)
    with serving(Registry([served], most_tokens=0)) as server:
        body = {"prompt": "狸", "max_tokens": 120, "logit_bias": {"2": -100, "6": -100}, "n": 7}
        first = threading.Thread(target=lambda: server.post("/v1/completions", **body))
        first.start()
        while not served.engine.waiting:
            time.sleep(0.001)
        reply = server.post("/v1/completions", prompt="a")
        assert reply.status == 429 and 1 <= int(reply.headers["retry-after"]) <= 60
        assert reply.json["error"]["type"] == "rate_limit_error"
        assert server.get("/ready").status == 503
        first.join()
        assert server.post("/v1/completions", prompt="a", max_tokens=1).status == 200
        assert server.get("/ready").status == 200


def test_requests_at_one_moment_do_not_pass_the_limit(loaded: LoadedModel) -> None:
    with serving(Registry([make_served(loaded, most_waiting=3)], most_tokens=0)) as server:

        def ask(_: int) -> int:
            return server.post("/v1/completions", prompt="狸", max_tokens=100, logit_bias={"2": -100, "6": -100}).status

        with ThreadPoolExecutor(40) as threads:
            statuses = [*threads.map(ask, range(40))]
    assert {*statuses} == {200, 429} and statuses.count(200) < 20


def test_an_answer_that_fails_ends_no_other(loaded: LoadedModel, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        """A grammar that gives up after two tokens."""

        left = 2

        def allowed(self) -> np.typing.NDArray[np.bool_]:
            if not self.left:
                raise RuntimeError("too complex")
            return np.ones(384, bool)

        def add(self, token: int) -> None:
            self.left -= 1

    served = make_served(loaded)
    with serving(Registry([served], most_tokens=0)) as server:
        updates: list[Update] = []
        served.engine.submit(Job(prompt=(30,), tokens=50, grammar=Broken()), updates.append)
        assert server.post("/v1/completions", prompt="狸", max_tokens=50).status == 200
        server.wait_until_idle()
        assert server.get("/health").status == 200
    assert updates[-1].failed and updates[-1].done and "too complex" in caplog.text


def test_a_failed_engine_fails_its_requests_and_says_so(loaded: LoadedModel, caplog: pytest.LogCaptureFixture) -> None:
    served = make_served(loaded)
    with serving(Registry([served], most_tokens=0)) as server:
        for part in ("k", "v"):  # as after an error on the device, which leaves no cache behind
            getattr(served.engine._executor._cache, part).delete()
        reply = server.post("/v1/completions", prompt="狸", max_tokens=5, n=2)
        assert reply.status == 500 and "restarted" in reply.json["error"]["message"]
        assert server.get("/health").status == 503
        reply = server.post("/v1/completions", prompt="狸")
        assert reply.status == 503 and "restarted" in reply.json["error"]["message"]
    assert "ended with an error" in caplog.text


def test_a_model_without_a_template_says_that_it_cannot_chat(chat_tokenizer: Path, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "tokenizer.model").write_bytes((chat_tokenizer / "tokenizer.model").read_bytes())
    with serving(Registry([make_served(untrained(tmp_path / "bare"))], most_tokens=0)) as server:
        reply = server.post("/v1/chat/completions", messages=[{"role": "user", "content": "a"}])
        assert reply.status == 400 and "no chat template" in reply.json["error"]["message"]
