"""Key, sizes, unknown paths and models, which are looked at before an endpoint; and what the server says of itself."""

import json
import socket
import time
from pathlib import Path

import pytest

from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.inference.server.registry import Registry
from tests.inference.server.conftest import Server, make_served, serving
from tests.inference.untrained import untrained


def test_models_are_listed_and_found_by_name(server: Server) -> None:
    [card] = server.get("/v1/models").json["data"]
    assert (card["id"], card["max_model_len"]) == ("untrained", 128)
    assert server.get("/v1/models/untrained").json == card
    answer = server.post("/v1/completions", prompt="a", max_tokens=1).json
    assert answer["system_fingerprint"] == card["fingerprint"] == "weights of untrained"
    for reply in (server.get("/v1/models/other"), server.post("/v1/completions", prompt="a", model="other")):
        assert reply.status == 404 and "this server has untrained" in reply.json["error"]["message"]
        assert reply.json["error"]["code"] == "model_not_found"


def test_every_error_has_the_form_of_openai(server: Server) -> None:
    deep = b'{"prompt": "a", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    for reply, status in [
        (server.get("/nowhere"), 404),
        (server.get("/v1/completions"), 405),
        (server.request("POST", "/v1/completions", b"{"), 400),
        (server.request("POST", "/v1/completions", b'"a"'), 400),
        (server.request("POST", "/v1/completions", b"\xff\xfe"), 400),
        (server.request("POST", "/v1/completions", deep), 400),
        (server.request("POST", "/v1/completions", b"a" * 2_000_000), 413),
    ]:
        assert reply.status == status, reply.body
        assert {*reply.json["error"]} == {"message", "type", "param", "code"}
    assert server.post("/v1/completions", prompt="a", max_tokens=1).status == 200


def test_several_models_and_a_key(loaded: LoadedModel, chat_tokenizer: Path) -> None:
    other = make_served(untrained(chat_tokenizer, seed=1), "other")
    with serving(Registry([make_served(loaded), other], most_tokens=4), key="secret") as server:
        assert server.post("/v1/completions", prompt="a").status == 401
        assert server.get("/health").status == server.get("/ready").status == 200
        for header in ("Bearer wrong", "secret", "Basic secret", ""):
            assert server.request("GET", "/v1/models", Authorization=header).status == 401
        assert server.request("GET", "/v1/models", Authorization="bearer secret").status == 200
        texts = {}
        for model in ("untrained", "other", None):
            body = json.dumps({"prompt": "狸", "max_tokens": 9, "temperature": 0, "model": model}).encode()
            reply = server.request("POST", "/v1/completions", body, Authorization="Bearer secret").json
            texts[model] = reply["choices"][0]["text"]
            assert reply["usage"]["completion_tokens"] <= 4, "the server's limit"
        assert texts[None] == texts["untrained"] != texts["other"]


def test_the_schema_describes_every_endpoint(server: Server) -> None:
    schema = server.get("/openapi.json").json
    assert {
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/models",
        "/tokenizer_info",
        "/tokenize",
        "/detokenize",
        "/health",
        "/ready",
        "/metrics",
    } <= {*schema["paths"]}
    fields = schema["components"]["schemas"]["ChatRequest"]["properties"]
    assert all("description" in field or "$ref" in str(field) for field in fields.values())
    assert server.get("/docs").status == 200


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_a_server_is_healthy_and_ready(server: Server, path: str) -> None:
    assert server.get(path).body == b"ok"
    assert server.request("HEAD", path).status == 200


@pytest.mark.parametrize("field", ["prompt", "stop"])
def test_a_long_list_of_wrong_items_is_refused_at_once(server: Server, field: str) -> None:
    body = json.dumps({"prompt": "a"} | {field: [-1] * 200_000}).encode()
    begin = time.thread_time()
    assert server.request("POST", "/v1/completions", body).status == 400
    assert time.thread_time() - begin < 2


def test_a_head_without_an_end_is_not_read_for_ever(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nX: ")
        with pytest.raises(OSError):
            for _ in range(1000):
                connection.sendall(b"a" * 10_000)
                time.sleep(0.001)
    large = {f"X-{number}": "a" * 1000 for number in range(30)}
    assert server.request("GET", "/health", None, **large).status == 200


def test_an_offer_to_go_on_in_http_2_is_ignored(server: Server) -> None:
    body, headers = json.dumps({"prompt": "a", "max_tokens": 1}).encode(), {"Connection": "Upgrade", "Upgrade": "h2c"}
    assert server.request("POST", "/v1/completions", body, **headers).status == 200


def test_a_large_body_may_come_with_its_head(server: Server) -> None:
    body = json.dumps({"prompt": "a", "max_tokens": 1, "user": "b" * 300_000}).encode()
    assert server.request("POST", "/v1/completions", body).status == 200
